package manufacturer

// ASSUMED. The public documentation stops short of the names below: it shows the success of a release in full
// ("success", "message", "data") and the messages and codes of errors. It does not show the JSON of sign-in's token,
// of errors, and of orders. This table is the only place that holds what is assumed instead. If a real answer has a
// name that is missing here, add it to its row.
//
// The assumed meaning of a status is in verdict of internal/release/settle.go. If an answer of details names no
// order, it is assumed to be about the requested one. That is good enough for the cache of orders. It never settles a
// release: for that, the answer must name the order.
//
// Names are compared without case, underscores and hyphens; a dot leads into an object. Within a row, the first name
// that holds something wins.
var (
	// Sign-in.
	tokenAt = assume("token", "access_token", "data", "data.token", "data.access_token")

	// Errors.
	messageAt = assume("message", "error.message", "error", "error_message", "error_description")
	codeAt    = assume("code", "error_code", "error.code", "error.error_code")
	detailsAt = assume("details", "errors", "error.details", "error.errors", "validation_errors", "data")

	// The places of the list of open orders, and of the details of one. Either may also be the whole answer.
	listAt = assume("data", "data.orders", "data.packaging_orders", "data.items", "data.results", "data.list",
		"data.data",
		"orders", "packaging_orders", "items", "results", "result", "list")
	orderAt = assume("data", "data.order", "data.packaging_order", "data.details", "order", "packaging_order",
		"details", "result")

	// One order.
	orderIDAt = assume("order_id", "packaging_order_id", "order_number", "order_no", "id", "order_name", "name")
	statusAt  = assume("status", "order_status", "packaging_order_status", "state", "status.name", "status.status",
		"status.label", "status.code")
	lineCodeAt = assume("line_code", "packaging_line_code", "line.code", "packaging_line.code", "line.line_code",
		"line_id", "packaging_line_id", "line.id", "line.line_id", "packaging_line.id", "line", "packaging_line",
		"line_name", "packaging_line_name", "line.name", "packaging_line.name")
	lineNameAt = assume("line_name", "packaging_line_name", "line.name", "packaging_line.name", "line.line_name",
		"line.description", "packaging_line.description", "line", "packaging_line")
	productAt = assume("product_name", "product.name", "product.product_name", "product.description", "product",
		"product_description", "material_name", "material.name", "material", "product_code", "product.code")
	gtinAt = assume("gtin", "product_gtin", "product.gtin", "gtin14", "gtin_14", "product.gtin14", "material.gtin")
	lotAt  = assume("lot", "lot_number", "lot_no", "lot_id", "lot.number", "lot.name", "batch", "batch_number",
		"batch_no", "batch_id", "batch.number", "batch.name")
	expiryAt = assume("expiry", "expiry_date", "expiration_date", "expiration", "expire_date", "exp_date", "expires",
		"lot.expiry", "lot.expiry_date", "lot.expiration_date", "batch.expiry", "batch.expiry_date",
		"batch.expiration_date")
	quantityAt = assume("quantity", "qty", "order_quantity", "planned_quantity", "target_quantity", "amount")
	// Only in details, as a list of strings. An empty one counts as none.
	serialsAt = assume("serials", "serial_numbers", "serial_list", "serial_number_list", "assigned_serials",
		"serials.data")
	extraAt = assume("extra_percentage", "extra_percent", "extra_serials_percentage", "extra_quantity_percentage",
		"overage_percentage", "overage", "extra")
)

// assume returns the paths of a row in the form of fields.
func assume(paths ...string) []string {
	plain := make([]string, len(paths))
	for i, path := range paths {
		plain[i] = plainName(path)
		written[plain[i]] = path
	}
	return plain
}

// written are the paths as they are spelled above, for people.
var written = map[string]string{}
