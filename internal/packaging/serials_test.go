package packaging_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

func TestAListIsReadInTheFormsThatPeopleHaveItIn(t *testing.T) {
	want := []string{"4YSr5oYFKHwP", "a,b;c", `q"q`}
	for name, given := range map[string]string{
		"lines":                     "4YSr5oYFKHwP\na,b;c\nq\"q\n",
		"lines of Windows":          "\ufeff4YSr5oYFKHwP\r\na,b;c\r\n\r\nq\"q",
		"lines with a heading":      "Serial\n4YSr5oYFKHwP\na,b;c\nq\"q\n",
		"CSV as exported here":      "number,serial\n1,4YSr5oYFKHwP\n2,\"a,b;c\"\n3,\"q\"\"q\"\n",
		"CSV with semicolons":       "Serial;Order\r\n4YSr5oYFKHwP;x\r\n\"a,b;c\";x\r\n\"q\"\"q\";x\r\n",
		"CSV with tabs":             "lot\tserial\nA\t4YSr5oYFKHwP\nA\ta,b;c\nA\t\"q\"\"q\"\n",
		"CSV, the list last":        "lot,serial\nA,4YSr5oYFKHwP\nA,\"a,b;c\"\nA,\"q\"\"q\"\n",
		"JSON, the list alone":      `["4YSr5oYFKHwP", "a,b;c", "q\"q"]`,
		"JSON as exported here":     `{"order_id":"x","count":3,"serials":["4YSr5oYFKHwP","a,b;c","q\"q"]}`,
		"JSON as the API gives it":  `{"success": true, "data": ["4YSr5oYFKHwP", "a,b;c", "q\"q"]}`,
		"JSON with a mark in front": "\ufeff[\"4YSr5oYFKHwP\", \"a,b;c\", \"q\\\"q\"]",
	} {
		got, err := packaging.ParseSerialList(given)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

func TestEverySerialOfAListIsKeptAsItIs(t *testing.T) {
	given := " a\nA\na\n  \n=1+1\n😀\n"
	want := []string{" a", "A", "a", "  ", "=1+1", "😀"}
	if got, err := packaging.ParseSerialList(given); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhatIsNoListIsRefusedInASentence(t *testing.T) {
	thorough.Once(t)
	for given, key := range map[string]string{
		"":                      "list.empty",
		"\n\r\n":                "list.empty",
		"serial\n":              "list.empty",
		"[]":                    "list.empty",
		"{}":                    "list.empty",
		"a\xffb":                "list.not_utf8",
		`["4YSr5oYFKHwP", "bfF`: "list.not_json",
		`[1, 2]`:                "list.not_json",
		`{"serials": "a"}`:      "list.not_json",
		`["a"] "b"`:             "list.not_json",
		`{"data": ["a"]`:        "list.not_json",

		strings.Repeat("a\n", 1_000_001):                        "list.too_long",
		"n,serial\n" + strings.Repeat("1,a\n", 1_000_001):       "list.too_long",
		"[" + strings.Repeat(`"",`, 1_000_000) + `""]`:          "list.too_long",
		strings.Repeat("a", 1025):                               "list.too_wide",
		`["` + strings.Repeat("a", 1025) + `"]`:                 "list.too_wide",
		"serial,n\na" + strings.Repeat(",", 100):                "list.too_wide",
		"serial,n\n" + strings.Repeat("\"\n\",", 101):           "list.too_wide",
		"serial,n\n\"" + strings.Repeat("a\n", 60_000) + "\",1": "list.too_wide",
		"serial," + strings.Repeat("a", 200_000):                "list.too_wide",
	} {
		_, err := packaging.ParseSerialList(given)
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%.50q: %v, want %s", given, err, key)
		}
	}
}

func FuzzParseSerialList(f *testing.F) {
	for _, given := range []string{
		"a\nb", "number,serial\n1,a", `["a"]`, `{"data":["a"]}`, "\ufeffserial;x\n\"a", "[", ",\n,",
	} {
		f.Add(given)
	}
	f.Fuzz(func(t *testing.T, given string) {
		serials, err := packaging.ParseSerialList(given)
		if (err == nil) == (len(serials) == 0) {
			t.Errorf("%d serials and %v", len(serials), err)
		}
	})
}
