package sandbox

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
)

//go:embed release_to_line.json
var documentedRelease []byte

// documentedSerials returns the 11 serial numbers of the documented success of release_to_line.
func documentedSerials() []string {
	var answer struct{ Data []string }
	if err := json.Unmarshal(documentedRelease, &answer); err != nil {
		panic(fmt.Sprintf("sandbox: the documented answer can't be read: %v", err)) // a test reads it
	}
	return answer.Data
}

// Order143 returns the order of the documentation: quantity 10, extra percentage 10, and its 11 documented serials.
func Order143(now time.Time) Order {
	return Order{
		ID: "Order143", LineCode: "L1", LineName: "Blister line 1",
		Product: "Paracetamol 500 mg, 20 tablets", GTIN: gtin(10143), Lot: "PA26A07", Expiry: expiry(now, 26),
		Quantity: 10, ExtraPercent: 10, Status: PendingRelease, Serials: documentedSerials(),
	}
}

// Sample returns the orders of a plant with three lines, Order143 first. They have all documented statuses and one
// undocumented one. Expiry dates lie after now.
func Sample(now time.Time) []Order {
	lines := map[string]string{"L1": "Blister line 1", "L2": "Bottle line 2", "L3": "Sachet line 3"}
	orders := []Order{Order143(now)}
	gtins := map[string]string{orders[0].Product: orders[0].GTIN}
	for _, row := range []struct {
		number   int
		line     string
		product  string
		lot      string
		months   int // from now to the expiry
		quantity int
		extra    float64
		status   string
	}{
		{144, "L1", "Paracetamol 500 mg, 20 tablets", "PA26A08", 26, 5000, 5, PendingRelease},
		{145, "L1", "Ibuprofen 400 mg, 30 tablets", "IB26C02", 30, 240, 5, PendingRelease},
		{146, "L1", "Amlodipine 5 mg, 28 tablets", "AM26B11", 34, 120, 2.5, PendingRelease},
		{139, "L1", "Metformin 850 mg, 60 tablets", "ME26A01", 28, 600, 5, InProgress},
		{147, "L1", "Simvastatin 20 mg, 28 tablets", "SI26D04", 32, 480, 5, Open},
		{136, "L1", "Bisoprolol 2.5 mg, 28 tablets", "BI26A03", 29, 360, 5, Suspended},
		{131, "L1", "Paracetamol 500 mg, 20 tablets", "PA26A06", 25, 900, 5, Done},
		{130, "L1", "Ibuprofen 400 mg, 30 tablets", "IB26C01", 24, 900, 5, Done},

		{148, "L2", "Amoxicillin 250 mg/5 ml, 100 ml suspension", "AX26F12", 18, 80, 10, PendingRelease},
		{149, "L2", "Lactulose 670 mg/ml, 300 ml syrup", "LA26E05", 22, 150, 10, PendingRelease},
		{150, "L2", "Vitamin D3 800 IU, 90 softgels", "VD26G09", 20, 300, 5, PendingRelease},
		{140, "L2", "Cetirizine 1 mg/ml, 150 ml solution", "CE26D01", 27, 200, 5, InProgress},
		{151, "L2", "Ambroxol 15 mg/5 ml, 100 ml syrup", "AB26H02", 31, 180, 5, Open},
		{152, "L2", "Folic acid 5 mg, 100 tablets", "FO26B06", 33, 250, 0, Open},
		{132, "L2", "Amoxicillin 250 mg/5 ml, 100 ml suspension", "AX26F11", 17, 400, 5, Done},

		{153, "L3", "Macrogol 13.7 g, 20 sachets", "MA26K03", 35, 75, 10, PendingRelease},
		{154, "L3", "Oral rehydration salts, 10 sachets", "OR26J08", 36, 500, 5, PendingRelease},
		{141, "L3", "Acetylcysteine 600 mg, 14 sachets", "AC26L01", 23, 320, 5, InProgress},
		{137, "L3", "Diosmectite 3 g, 30 sachets", "DI26M02", 21, 160, 5, Suspended},
		{155, "L3", "Ibuprofen lysine 400 mg, 12 sachets", "IL26N04", 30, 220, 5, Open},
		{133, "L3", "Macrogol 13.7 g, 20 sachets", "MA26K02", 34, 640, 5, Done},
		{138, "L3", "Fosfomycin 3 g, 1 sachet", "FM26P01", 19, 90, 5, "Awaiting artwork"},

		{156, "", "Omeprazole 20 mg, 28 capsules", "OM26Q01", 24, 140, 5, PendingRelease},
		{157, "L2", "Pantoprazole 40 mg, 56 tablets", "PN26R07", 28, 260, 5, Open},
	} {
		if gtins[row.product] == "" {
			gtins[row.product] = gtin(10000 + row.number)
		}
		orders = append(orders, Order{
			ID: fmt.Sprintf("Order%d", row.number), LineCode: row.line, LineName: lines[row.line],
			Product: row.product, GTIN: gtins[row.product], Lot: row.lot, Expiry: expiry(now, row.months),
			Quantity: row.quantity, ExtraPercent: row.extra, Status: row.status,
		})
	}
	return orders
}

// expiry returns the last day of the month so many months after now.
func expiry(now time.Time, months int) string {
	return time.Date(now.Year(), now.Month()+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// gtin returns the GTIN-14 of an item of five digits (check digit: weights 3, 1, 3, … from the left of 13 digits).
func gtin(item int) string {
	digits := fmt.Sprintf("05412345%05d", item)
	sum := 0
	for i, d := range digits {
		weight := 3
		if i%2 == 1 {
			weight = 1
		}
		sum += weight * int(d-'0')
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}
