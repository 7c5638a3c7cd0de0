package sqltable

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"net"
	"sync"
	"time"

	mydriver "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/trueup-sync/trueup/internal/connector"
)

const (
	// poolSize is few: a customer's database has more to do than to serve us.
	poolSize = 4
	// poolIdle is shorter than what a firewall or a server waits before it closes an
	// idle connection, poolAge than what a failover may leave behind.
	poolIdle = time.Minute
	poolAge  = 10 * time.Minute
)

// client makes the calls of one connection.
type client struct {
	*Settings
	dialect
	name    string
	at      address
	columns []string // of the id
	zones   *time.Location
	timeout time.Duration
	gate    connector.Gate
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	now     func() time.Time
	use     connector.Use
	shapes  *connector.Remembered[*shape]

	mu     sync.Mutex
	db     *sql.DB // nil until the first call, and after the last
	closed bool
}

// pool opens the pool of connections. Nothing is dialed before the first statement.
func (c *client) pool() (*sql.DB, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "the connection was closed because the configuration changed"}
	}
	if c.db == nil {
		var err error
		if c.db, err = c.open(); err != nil {
			return nil, err
		}
		c.db.SetMaxOpenConns(poolSize)
		c.db.SetMaxIdleConns(poolSize)
		c.db.SetConnMaxIdleTime(poolIdle)
		c.db.SetConnMaxLifetime(poolAge)
	}
	return c.db, nil
}

// close ends the pool. Calls that come later fail.
func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.db != nil {
		c.db.Close() // its connections hold nothing that could be lost
		c.db = nil
	}
}

func (c *client) open() (*sql.DB, error) {
	if c.at.engine == mysql {
		return c.openMySQL()
	}
	return c.openPostgres()
}

// openPostgres sets all that the driver would else take from the environment.
func (c *client) openPostgres() (*sql.DB, error) {
	cfg, err := pgx.ParseConfig("host=localhost port=5432 user=trueup password=none dbname=none sslmode=disable target_session_attrs=any")
	if err != nil {
		return nil, misconfigured("the PostgreSQL driver refuses its settings; look for PG variables in the environment and remove them")
	}
	var port uint16
	if _, err := fmt.Sscanf(c.at.port, "%d", &port); err != nil {
		return nil, misconfigured("the port of the dsn is not a number; correct it")
	}
	cfg.Host, cfg.Port, cfg.User, cfg.Password, cfg.Database = c.at.host, port, c.at.user, c.at.password, c.at.database
	cfg.TLSConfig, cfg.Fallbacks, cfg.ValidateConnect, cfg.AfterConnect = c.tls(), nil, nil, nil
	cfg.RuntimeParams = map[string]string{"application_name": "trueup"}
	cfg.ConnectTimeout = c.timeout
	cfg.DialFunc = c.dial
	// The dialer looks the name up itself, and sees each address before it is called.
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	// Nothing is kept under a name on the server: a pooler may give the next
	// statement to another of its connections.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	return stdlib.OpenDB(*cfg), nil
}

func (c *client) openMySQL() (*sql.DB, error) {
	cfg := mydriver.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = c.at.user, c.at.password, "tcp", c.at.hostPort(), c.at.database
	cfg.TLS = c.tls()
	cfg.DialFunc = c.dial
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = c.timeout, c.timeout+time.Second, c.timeout+time.Second
	cfg.ClientFoundRows = true // an equal value is a row that was found
	cfg.Logger = &mydriver.NopLogger{}
	cfg.Params = map[string]string{
		"time_zone": "'+00:00'",
		// Without it a word that an enum does not have is stored as an empty text.
		"sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
		// A wire that breaks without a word must not leave a row locked for long.
		"wait_timeout":             fmt.Sprint(int((poolIdle + c.timeout).Seconds()) + 1),
		"innodb_lock_wait_timeout": fmt.Sprint(max(1, int(c.lockWait().Seconds()))),
	}
	conn, err := mydriver.NewConnector(cfg)
	if err != nil {
		return nil, misconfigured("the MySQL driver refuses the dsn; correct it")
	}
	return sql.OpenDB(conn), nil
}

// tls is nil where the file says off.
func (c *client) tls() *tls.Config {
	if c.TLS == tlsOff {
		return nil
	}
	t := &tls.Config{ServerName: c.at.host, MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		t.RootCAs = x509.NewCertPool()
		t.RootCAs.AppendCertsFromPEM([]byte(c.CA.Reveal()))
	}
	return t
}

// lockWait is how long a write waits for a lock: it ends before the call does, with
// an answer that says that nothing was written.
func (c *client) lockWait() time.Duration { return c.timeout / 2 }

// call waits for the rate limit and makes one call: do may send several statements. An
// error that do has not judged itself is one of reading.
func (c *client) call(ctx context.Context, do func(ctx context.Context, db *sql.DB) error) error {
	if c.gate != nil {
		if err := c.gate.Wait(ctx); err != nil {
			return c.fail(err, reading)
		}
	}
	db, err := c.pool()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.fail(do(ctx, db), reading)
}

// asker is a pool or a transaction.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// rows returns the rows of an answer as texts, nil for null.
func rows(ctx context.Context, db asker, q *query) (all [][]*string, err error) {
	found, err := db.QueryContext(ctx, q.text.String(), q.args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	for found.Next() {
		row, into := make([]*string, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, found.Err()
}

// ask makes a call that only reads.
func (c *client) ask(ctx context.Context, q *query) (all [][]*string, err error) {
	err = c.call(ctx, func(ctx context.Context, db *sql.DB) (err error) {
		all, err = rows(ctx, db, q)
		return err
	})
	return all, err
}

func textOf(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
