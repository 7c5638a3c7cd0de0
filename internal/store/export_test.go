package store

// ReadStatements are the texts of the statements that only read, so far.
func (db *DB) ReadStatements() (texts []string) {
	for text := range db.readStatements.by {
		texts = append(texts, text)
	}
	return texts
}
