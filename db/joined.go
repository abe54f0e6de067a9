package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lineboard/internal/packaging"
)

// eachJoined reads a query as one text, as manyEntries does, and hands its rows to do. A number that is NULL is read as
// none. It returns false where the values are not as many as they must be, or of another kind.
func eachJoined(
	ctx context.Context, q querier, columns int, query string, args []any, do func(scanner) error,
) (whole bool, err error) {
	names, values := make([]string, columns), make([]string, columns)
	for i := range names {
		names[i] = fmt.Sprint("c", i)
		values[i] = "coalesce(" + names[i] + ", '')"
	}
	var n int
	var text string
	if err := q.QueryRowContext(ctx, `WITH joined (`+strings.Join(names, ", ")+`) AS (`+query+`)
		SELECT count(*), coalesce(group_concat(concat_ws(?, `+strings.Join(values, ", ")+`), ?), '') FROM joined`,
		append(args, separator, separator)...).Scan(&n, &text); err != nil {
		return false, coded(err)
	}
	row := joinedRow{values: make([]string, columns)}
	for more := true; n > 0; n-- {
		for i := range row.values {
			if !more {
				return false, nil
			}
			row.values[i], text, more = strings.Cut(text, separator)
		}
		if n == 1 && more {
			return false, nil
		}
		if err := do(row); errors.Is(err, errOtherKind) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// errOtherKind is the error of a value that is not of the kind that was asked for.
var errOtherKind = errors.New("the value is of another kind")

// joinedRow is a row whose values came as texts.
type joinedRow struct{ values []string }

// Scan is that of [sql.Rows], for the kinds of values that are read so.
func (r joinedRow) Scan(into ...any) error {
	if len(into) != len(r.values) {
		return errOtherKind
	}
	for i, to := range into {
		if err := scanText(r.values[i], to); err != nil {
			return err
		}
	}
	return nil
}

func scanText(v string, to any) (err error) {
	switch to := to.(type) {
	case *string:
		*to = v
	case *sql.Null[string]:
		*to = sql.Null[string]{V: v, Valid: true}
	case *sql.Null[int64]:
		err = scanNumber(v, to)
	case *sql.Null[int]:
		err = scanNumber(v, to)
	case *sql.Null[packaging.ReleaseID]:
		err = scanNumber(v, to)
	case *sql.Null[packaging.UserID]:
		err = scanNumber(v, to)
	case *sql.Null[packaging.LineID]:
		err = scanNumber(v, to)
	case *packaging.OrderID:
		var n sql.Null[packaging.OrderID]
		err = scanNumber(v, &n)
		*to = n.V
	case *sql.Null[packaging.Role]:
		*to = sql.Null[packaging.Role]{V: packaging.Role(v), Valid: true}
	case *sql.Null[packaging.Outcome]:
		*to = sql.Null[packaging.Outcome]{V: packaging.Outcome(v), Valid: true}
	case *sql.Null[packaging.Reason]:
		*to = sql.Null[packaging.Reason]{V: packaging.Reason(v), Valid: true}
	case *sql.Null[packaging.Status]:
		*to = sql.Null[packaging.Status]{V: packaging.Status(v), Valid: true}
	case *sql.Null[packaging.Proof]:
		*to = sql.Null[packaging.Proof]{V: packaging.Proof(v), Valid: true}
	case *sql.Null[packaging.ListSource]:
		*to = sql.Null[packaging.ListSource]{V: packaging.ListSource(v), Valid: true}
	default:
		err = errOtherKind
	}
	return err
}

// scanNumber reads a number, and none from an empty text.
func scanNumber[T ~int | ~int64](v string, to *sql.Null[T]) error {
	if v == "" {
		*to = sql.Null[T]{}
		return nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return errOtherKind
	}
	*to = sql.Null[T]{V: T(n), Valid: true}
	return nil
}
