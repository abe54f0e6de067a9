package programs

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	view "lineboard/views/programs"
)

// openAPIFile is what a page shows of the description.
type openAPIFile struct {
	Info struct {
		Title       string `yaml:"title"`
		Summary     string `yaml:"summary"`
		Description string `yaml:"description"`
	} `yaml:"info"`
	Paths      yaml.MapSlice `yaml:"paths"` // in their order
	Components struct {
		Responses map[string]response `yaml:"responses"`
		Schemas   struct {
			Problem struct {
				Properties struct {
					Code struct {
						Enum []string `yaml:"enum"`
					} `yaml:"code"`
				} `yaml:"properties"`
			} `yaml:"Problem"`
		} `yaml:"schemas"`
	} `yaml:"components"`
}

type operation struct {
	ID          string                 `yaml:"operationId"`
	Summary     string                 `yaml:"summary"`
	Description string                 `yaml:"description"`
	Scopes      []packaging.TokenScope `yaml:"x-scopes"`
	Security    *[]any                 `yaml:"security"`
	Parameters  []struct {
		Name        string `yaml:"name"`
		In          string `yaml:"in"`
		Description string `yaml:"description"`
		Required    bool   `yaml:"required"`
		Schema      struct {
			Type string   `yaml:"type"`
			Enum []string `yaml:"enum"`
		} `yaml:"schema"`
	} `yaml:"parameters"`
	RequestBody struct {
		Content yaml.MapSlice `yaml:"content"`
	} `yaml:"requestBody"`
	Responses map[string]response `yaml:"responses"`
}

type response struct {
	Ref         string         `yaml:"$ref"`
	Description string         `yaml:"description"`
	Content     map[string]any `yaml:"content"`
}

// description is what the page shows. It is read once.
var description = sync.OnceValues(func() (view.DescriptionPage, error) { return described(openAPI) })

// described reads the description as a page shows it. A test holds it against the file.
func described(file []byte) (page view.DescriptionPage, err error) {
	var f openAPIFile
	if err := yaml.Unmarshal(file, &f); err != nil {
		return page, err
	}
	page = view.DescriptionPage{
		Title: f.Info.Title, Summary: f.Info.Summary, Text: f.Info.Description,
		Codes: f.Components.Schemas.Problem.Properties.Code.Enum,
	}
	for _, path := range f.Paths {
		methods, err := yaml.Marshal(path.Value)
		if err != nil {
			return page, err
		}
		var operations map[string]operation
		if err := yaml.Unmarshal(methods, &operations); err != nil {
			return page, err
		}
		for _, method := range []string{"get", "put", "post"} {
			if o, has := operations[method]; has {
				page.Operations = append(page.Operations, f.operation(strings.ToUpper(method), fmt.Sprint(path.Key), o))
			}
		}
	}
	return page, nil
}

func (f openAPIFile) operation(method, path string, o operation) view.Operation {
	shown := view.Operation{
		ID: o.ID, Method: method, Path: path, Summary: o.Summary, Text: o.Description, Scopes: o.Scopes,
		Open: o.Security != nil,
	}
	for _, p := range o.Parameters {
		kind := p.Schema.Type
		if len(p.Schema.Enum) > 0 {
			kind = strings.Join(p.Schema.Enum, " | ")
		}
		shown.Parameters = append(
			shown.Parameters,
			view.Parameter{Name: p.Name, In: p.In, Kind: kind, Text: p.Description, Required: p.Required},
		)
	}
	for _, content := range o.RequestBody.Content {
		shown.Bodies = append(shown.Bodies, fmt.Sprint(content.Key))
	}
	for status, r := range o.Responses {
		if name, is := strings.CutPrefix(r.Ref, "#/components/responses/"); is {
			r = f.Components.Responses[name]
		}
		a := view.Answer{Status: status, Text: r.Description}
		for kind := range r.Content {
			a.Kinds = append(a.Kinds, kind)
		}
		slices.Sort(a.Kinds)
		shown.Answers = append(shown.Answers, a)
	}
	slices.SortFunc(shown.Answers, func(a, b view.Answer) int { return strings.Compare(a.Status, b.Status) })
	shown.Example = example(shown)
	return shown
}

// example returns a command that asks for an operation, for a shell in which LINEBOARD and TOKEN are set.
func example(o view.Operation) string {
	parts := []string{"curl -sf"}
	if !o.Open {
		parts = append(parts, `-H "Authorization: Bearer $TOKEN"`)
	}
	if len(o.Bodies) > 0 {
		parts = append(
			parts, "-X "+o.Method, fmt.Sprintf(`-H "Content-Type: %s"`, o.Bodies[0]), "--data-binary @body.json",
		)
	}
	return strings.Join(append(parts, fmt.Sprintf(`"$LINEBOARD%s"`, strings.ReplaceAll(o.Path, "{id}", "$ID"))), " ")
}

// Page shows the description to people.
func (s *Server) Page(c echo.Context) error {
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "api.title"))
	if err != nil {
		return err
	}
	page, err := description()
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, view.Description(f, page))
}
