package packaging_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

func TestAGTINIsWrittenWithFewerZeros(t *testing.T) {
	t.Parallel()
	for gtin, want := range map[string][]string{
		"09506000134352":  {"09506000134352", "9506000134352"},
		"9506000134352":   {"09506000134352", "9506000134352"},
		"96385074":        {"00000096385074", "0000096385074", "000096385074", "96385074"},
		"19506000134359":  {"19506000134359"},
		"":                {""},
		"no GTIN":         {"no GTIN"},
		"123456789012345": {"123456789012345"},
	} {
		if diff := cmp.Diff(want, packaging.GTINSpellings(gtin)); diff != "" {
			t.Error(diff)
		}
	}
}
