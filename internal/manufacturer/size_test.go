package manufacturer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

func TestAnAnswerThatIsTooLongIsUnreadable(t *testing.T) {
	body := `{"success":true,"data":["` + strings.Repeat("a", 2000) + `"]}`
	c, _ := static(t, says(200, body))
	c.limits.AnswerBytes = 1000
	a := order143(t, c)
	if a.Outcome != packaging.Unknown || a.Reason != packaging.Unreadable ||
		!strings.Contains(a.Message, "1000 bytes") || string(a.Body) != body[:1000] {
		t.Errorf("answer %v: %s", a, a.Message)
	}
	if _, _, err := c.Open(t.Context()); callError(t, err).Reason != packaging.Unreadable {
		t.Errorf("open: %v", err)
	}
	c.limits.AnswerBytes = int64(len(body))
	if a := order143(t, c); a.Outcome != packaging.Released {
		t.Errorf("an answer of just that length: %v", a)
	}
}

func TestAHundredThousandSerialsComeInOrder(t *testing.T) {
	serials := make([]string, 100_000)
	for i := range serials {
		serials[i] = fmt.Sprintf("S%011d", i)
	}
	body, err := json.Marshal(map[string]any{"success": true, "data": serials})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := static(t, says(200, string(body)))
	began := time.Now()
	a := order143(t, c)
	if diff := cmp.Diff(serials, a.Serials); a.Outcome != packaging.Released || diff != "" {
		t.Errorf("answer %v", a)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
}

func BenchmarkRelease100k(b *testing.B) {
	body := `{"success":true,"data":[` + strings.Repeat(`"4YSr5oYFKHwP",`, 99_999) + `"bfFWAkNskIGR"]}`
	c := played(b, 200, body)
	b.ReportAllocs()
	for b.Loop() {
		c.ReleaseToLine(context.Background(), "Order143")
	}
}

// One field of 10 MB would take every tablet that shows a list with its order.
func TestAFactThatIsTooLongIsCutAndItsOrderKeptWhole(t *testing.T) {
	long := strings.Repeat("ü", 1<<20)
	element := map[string]any{
		"order_id": "Order143", "status": "Pending release", "product": long, "lot": map[string]string{"number": long},
		"quantity": 10,
	}
	body, err := json.Marshal(map[string]any{"success": true, "data": []any{element, map[string]any{"order_id": long}}})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := static(t, says(200, string(body)))
	orders, nameless, err := c.Open(t.Context())
	if err != nil || len(orders) != 1 || nameless != 1 {
		t.Fatalf("%d orders, %d without a name, %v", len(orders), nameless, err)
	}
	o := orders[0]
	if len(o.Product) > 1024 || len(o.Lot) > 1024 || !strings.HasSuffix(o.Product, "ü…") ||
		!utf8.ValidString(o.Product) || o.Quantity != "10" {
		t.Errorf("product of %d bytes, lot of %d, quantity %q", len(o.Product), len(o.Lot), o.Quantity)
	}
	if !strings.Contains(string(o.Raw), long) {
		t.Error("what the API said is not kept whole")
	}
}

func TestOfAnOrderThatIsVeryLongTheBeginningIsKept(t *testing.T) {
	const head = `{"order_id":"Order143","status":"Pending release","quantity":10,"more":"`
	// What is left without so many is shorter than what is kept, and ends where its reading ended: in a character.
	const many = 1000
	for name, one := range map[string]struct{ size, times int }{
		"across the end": {maxRaw - len(head) - 10, 1},
		"just before it": {maxRaw - len(head) - len(canaryStatic), 1},
		"of three bytes": {maxRaw - len(head) - len(canaryStatic) - 1, 1},
		"long before it": {100, 1},
		"behind the end": {maxRaw + 5000, 1},
		"many":           {1 + (maxRaw+1<<10-len(head)-many*len(canaryStatic)+1)%3, many},
	} {
		element := head + strings.Repeat("x", one.size) + strings.Repeat(canaryStatic, one.times) +
			strings.Repeat("€", 4<<20) + `"}`
		api := httptest.NewServer(says(200, `{"success":true,"data":[`+element+`]}`))
		t.Cleanup(api.Close)
		config := canaryConfig(api.URL)
		config.TokenKind = Static
		orders, _, err := newClient(t, config).Open(t.Context())
		if err != nil || len(orders) != 1 || orders[0].Quantity != "10" {
			t.Fatalf("%s: %d orders, %v", name, len(orders), err)
		}
		kept := string(orders[0].Raw)
		if len(kept) > maxRaw+len("…") || !strings.HasPrefix(kept, head+"x") || !strings.HasSuffix(kept, "…") {
			t.Errorf("%s: %d bytes, which end with %q", name, len(kept), kept[len(kept)-20:])
		}
		if piece := findCanary(kept[max(0, len(kept)-100):]); piece != "" || !utf8.ValidString(kept) {
			t.Errorf("%s: it ends with %q", name, kept[len(kept)-100:])
		}
	}
}
