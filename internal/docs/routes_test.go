package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// stable are the addresses that programs and bookmarks rely on. They stay as they are.
var stable = []string{
	"GET /login", "POST /login", "POST /logout",
	"GET /", "GET /lines/{line}", "GET /orders",
	"GET /orders/{id}", "POST /orders/{id}/release",
	"GET /orders/{id}/serials", "GET /orders/{id}/serials.csv", "GET /orders/{id}/serials.json",
	"GET /history", "GET /history.csv",
	"GET /healthz", "GET /readyz", "GET /events",
	"PUT /api/v1/orders", "GET /api/v1/openapi.yaml", "GET /api/v1/orders", "GET /api/v1/orders/{id}",
	"GET /api/v1/releases",
	"GET /api/v1/releases/{id}/serials", "POST /api/v1/releases/{id}/taken", "GET /api/v1/lines", "GET /api/v1/history",
	"GET /api/v1/status",
}

var methods = []string{"GET", "POST", "PUT", "DELETE"}

// routes returns the table of handlers/routes.go, as "GET /orders/{}". It reads the source, since the table is the
// business of no other package.
func routes(t *testing.T) (all []string) {
	t.Helper()
	constants := map[string]ast.Expr{}
	for _, name := range files(t) {
		if strings.HasPrefix(name, "handlers/") && strings.HasSuffix(name, ".go") &&
			!strings.HasSuffix(name, "_test.go") {
			ast.Inspect(parse(t, name), func(n ast.Node) bool {
				if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
					for i, constant := range spec.Names {
						constants[constant.Name] = spec.Values[i]
					}
				}
				return true
			})
		}
	}
	// value returns the text that an expression stands for, empty for none.
	var value func(ast.Expr) string
	value = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(e.Value)
			if e.Kind == token.STRING && err == nil {
				return text
			}
		case *ast.Ident:
			return value(constants[e.Name])
		case *ast.SelectorExpr:
			return value(constants[e.Sel.Name])
		case *ast.BinaryExpr:
			return value(e.X) + value(e.Y)
		}
		return ""
	}
	add := func(method, address string) {
		if slices.Contains(methods, method) && strings.HasPrefix(address, "/") {
			all = append(all, method+" "+plain(address))
		}
	}
	ast.Inspect(parse(t, "handlers/routes.go"), func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit: // {"GET", "/orders", …}
			if len(n.Elts) > 1 {
				add(value(n.Elts[0]), value(n.Elts[1]))
			}
		case *ast.CallExpr: // e.GET("/orders", …)
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) > 0 {
				add(strings.ToUpper(f.Sel.Name), value(n.Args[0]))
			}
		}
		return true
	})
	add("GET", value(constants["MetricsPath"])) // is beside the table: programs read it by a token of its own
	if len(all) < len(stable) {
		t.Fatalf("handlers/routes.go is not understood any more: found %v", all)
	}
	return all
}

func parse(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, read(t, name), 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

var parameter = regexp.MustCompile(`:\w+|\{\w+\}`)

// plain is an address without its query and the names of its parameters.
func plain(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return parameter.ReplaceAllString(address, "{}")
}

func TestTheStableRoutesAreThereAndDocumented(t *testing.T) {
	table, reference := routes(t), section(t, read(t, "docs/reference.md"), "## Routes")
	for _, route := range stable {
		if !slices.Contains(table, plain(route)) {
			t.Errorf("there is no %s", route)
		}
		if !strings.Contains(reference, "`"+route+"`") {
			t.Errorf("the table of routes lacks %s", route)
		}
	}
}

// ofFiles is how paths of a server's own files begin.
var ofFiles = regexp.MustCompile(`^/(etc|usr|var)/`)

func TestRoutesThatAreNamedExist(t *testing.T) {
	table := routes(t)
	for _, d := range documents(t) {
		for _, span := range d.spans() {
			method, address, both := strings.Cut(span, " ")
			if !both {
				method, address = "", span
			}
			if !strings.HasPrefix(address, "/") || ofFiles.MatchString(address) || both &&
				!slices.Contains(methods, method) {
				continue
			}
			if !slices.ContainsFunc(table, func(route string) bool {
				return strings.HasSuffix(route, " "+plain(address)) && strings.HasPrefix(route, method)
			}) {
				t.Errorf("%s: there is no route %s", d.path, span)
			}
		}
	}
}
