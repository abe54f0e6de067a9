package orders

import (
	"context"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// expected is how many serials an order should bring, in words.
func expected(ctx context.Context, f packaging.Facts) string {
	n, known := f.SerialsExpected()
	if !known {
		return text.Say(ctx, "order.expected_unknown")
	}
	return text.Number(ctx, n)
}

// amount writes a number that was understood as the language does, and anything else as it came.
func amount(ctx context.Context, s string) string { return shell.OrNone(ctx, text.Decimal(ctx, s)) }

// expiry writes a date that was understood as the language does, and anything else as it came.
func expiry(ctx context.Context, f packaging.Facts) string {
	if date, ok := f.ExpiryDate(); ok {
		return text.Date(ctx, date)
	}
	return shell.OrNone(ctx, f.Expiry)
}

// percent writes an extra percentage.
func percent(ctx context.Context, s string) string {
	if s == "" {
		return text.Say(ctx, "value.none")
	}
	return text.Decimal(ctx, s) + " %"
}
