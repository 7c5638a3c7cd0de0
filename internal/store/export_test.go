package store

// ReadStatements are the texts of the statements that only read, so far.
func (db *DB) ReadStatements() (texts []string) {
	for text := range db.readStatements.by {
		texts = append(texts, text)
	}
	return texts
}

// SetCopyBatch changes how many rows are copied in one transaction.
func SetCopyBatch(n int) (back func()) {
	was := copyBatch
	copyBatch = n
	return func() { copyBatch = was }
}

// SearchStatement is how customers of one sync are asked for.
func (db *DB) SearchStatement(f CustomerFilter, limit int) (text string, args []any) {
	return db.customersQuery(f, After{}, limit)
}
