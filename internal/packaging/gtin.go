package packaging

import "strings"

// maxGTIN is the length of a GTIN in a barcode.
const maxGTIN = 14

// GTINSpellings returns the ways to write a GTIN: with 14 digits, and with 13, 12 or 8 if only zeros are left out. What
// is no GTIN has one.
func GTINSpellings(gtin string) []string {
	if gtin == "" || len(gtin) > maxGTIN || strings.Trim(gtin, "0123456789") != "" {
		return []string{gtin}
	}
	whole := strings.Repeat("0", maxGTIN-len(gtin)) + gtin
	all := []string{whole}
	for _, length := range []int{13, 12, 8} {
		if cut := maxGTIN - length; strings.Trim(whole[:cut], "0") == "" {
			all = append(all, whole[cut:])
		}
	}
	return all
}
