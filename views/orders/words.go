package orders

import (
	"context"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// expected returns how many serials an order should bring.
func expected(ctx context.Context, f packaging.Facts) string {
	n, known := f.SerialsExpected()
	return countOrUnknown(ctx, n, known)
}

// expectedOf returns how many serials a list has that a person adds to the order.
func expectedOf(ctx context.Context, o packaging.Order) string {
	n, known := o.ListExpected()
	return countOrUnknown(ctx, n, known)
}

func countOrUnknown(ctx context.Context, n int64, known bool) string {
	if !known {
		return text.Say(ctx, "order.expected_unknown")
	}
	return text.Number(ctx, n)
}

// amount returns a number as the language writes it, and other text unchanged.
func amount(ctx context.Context, s string) string { return shell.OrNone(ctx, text.Decimal(ctx, s)) }

// expiry returns a date as the language writes it, and other text unchanged.
func expiry(ctx context.Context, f packaging.Facts) string {
	if date, ok := f.ExpiryDate(); ok {
		return text.Date(ctx, date)
	}
	return shell.OrNone(ctx, f.Expiry)
}

// percent returns an extra percentage.
func percent(ctx context.Context, s string) string {
	if s == "" {
		return text.Say(ctx, "value.none")
	}
	return text.Decimal(ctx, s) + " %"
}
