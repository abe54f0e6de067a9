package db

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"lineboard/internal/giveway"
)

// reader keeps its queries prepared: preparing one takes longer than most of them run. There are only so many, since
// their parameters hold what people enter.
type reader struct {
	*sql.DB
	prepared sync.Map     // query → *sql.Stmt
	fresh    *freshOrders // of a writer: orders that are about to be stored
	schema   atomic.Int64 // of a writer: SQLite's version of the schema that was looked at, 0 for none
	rights   lookedAt     // of a writer
	givesWay bool         // its queries wait while a press is under way
}

// endLimit is how long a query that ends may still have its connection.
const endLimit = 5 * time.Second

// end closes the pool, and waits until its connections are closed. A query whose request has gone lets go of its own a
// moment later.
func (r *reader) end() error {
	err := r.Close()
	for until := time.Now().Add(endLimit); r.Stats().OpenConnections > 0 && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	return err
}

func (r *reader) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := r.prepared.Load(query); ok {
		return stmt.(*sql.Stmt), nil
	}
	fresh, err := r.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	stmt, lost := r.prepared.LoadOrStore(query, fresh)
	if lost {
		err = fresh.Close() // another goroutine was faster
	}
	return stmt.(*sql.Stmt), err
}

func (r *reader) giveWay() {
	if r.givesWay {
		giveway.Step()
	}
}

// QueryContext is that of [sql.DB].
func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r.giveWay()
	s, err := r.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of [sql.DB].
func (r *reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	r.giveWay()
	s, err := r.stmt(ctx, query)
	if err != nil {
		return r.DB.QueryRowContext(ctx, query, args...) // fails the same way, and a row can carry that
	}
	return s.QueryRowContext(ctx, args...)
}

// snapshot runs read in a read transaction: all of its queries see one state of the database.
func (r *reader) snapshot(ctx context.Context, read func(querier) error) error {
	t, err := r.BeginTx(ctx, nil)
	if err != nil {
		return coded(err)
	}
	s := &snapshot{Tx: t, reader: r}
	err = read(s)
	if ended := t.Rollback(); err == nil {
		err = ended
	}
	for _, query := range s.unprepared {
		if _, failed := r.stmt(ctx, query); err == nil {
			err = failed
		}
	}
	return coded(err)
}

// snapshot is a read transaction. It holds one connection of the pool and must not wait for another. So a query that is
// not prepared yet runs as it is. It is prepared for the next time once the transaction is over.
type snapshot struct {
	*sql.Tx
	reader     *reader
	unprepared []string
}

// QueryContext is that of [sql.Tx].
func (s *snapshot) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s.reader.giveWay()
	if stmt, ok := s.reader.prepared.Load(query); ok {
		return s.StmtContext(ctx, stmt.(*sql.Stmt)).QueryContext(ctx, args...)
	}
	s.unprepared = append(s.unprepared, query)
	return s.Tx.QueryContext(ctx, query, args...)
}

// QueryRowContext is that of [sql.Tx].
func (s *snapshot) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s.reader.giveWay()
	if stmt, ok := s.reader.prepared.Load(query); ok {
		return s.StmtContext(ctx, stmt.(*sql.Stmt)).QueryRowContext(ctx, args...)
	}
	s.unprepared = append(s.unprepared, query)
	return s.Tx.QueryRowContext(ctx, query, args...)
}
