// Package wideorders makes files of as many orders as an import may have, in nearly as many bytes.
package wideorders

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Count is how many orders an import may have.
const Count = 100_000

// productBytes make Count rows nearly as many bytes as an import may have.
const productBytes = 230

// Rows are Count orders of a line, with a header. Their IDs begin with prefix.
func Rows(prefix, line string) [][]string {
	rows := [][]string{{"order_id", "line", "product", "gtin", "lot", "expiry", "quantity", "extra_percent"}}
	product := strings.Repeat("é", productBytes/len("é"))
	for i := range Count {
		rows = append(rows, []string{
			fmt.Sprintf("%s%06d", prefix, i), line, product, "09506000134352", fmt.Sprintf("LOT%06d", i), "2029-05-31",
			"12000", "2.5",
		})
	}
	return rows
}

// A Format writes rows as the content of a file with that name.
type Format struct {
	Name  string
	Write func(rows [][]string) ([]byte, error)
}

// Formats are all that an import reads, CSV first.
func Formats() []Format {
	return []Format{{"orders.csv", CSV}, {"orders.json", JSON}, {"orders.xlsx", XLSX}}
}

// CSV writes rows whose fields need no quotes.
func CSV(rows [][]string) ([]byte, error) {
	var text bytes.Buffer
	for _, row := range rows {
		text.WriteString(strings.Join(row, ",") + "\n")
	}
	return text.Bytes(), nil
}

// JSON has the rows that fit into the bytes that an import may have: there, names take room in each.
func JSON(rows [][]string) ([]byte, error) {
	var all []map[string]string
	for _, row := range rows[1 : len(rows)*3/5] {
		o := map[string]string{}
		for i, name := range rows[0] {
			o[name] = row[i]
		}
		all = append(all, o)
	}
	return json.Marshal(all)
}

// XLSX is a workbook with one sheet of text cells.
func XLSX(rows [][]string) ([]byte, error) {
	file := excelize.NewFile()
	defer file.Close() //nolint:errcheck // it is in memory
	w, err := file.NewStreamWriter("Sheet1")
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		cells := make([]any, len(row))
		for j, cell := range row {
			cells[j] = cell
		}
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), cells); err != nil {
			return nil, err
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = file.Write(&out)
	return out.Bytes(), err
}
