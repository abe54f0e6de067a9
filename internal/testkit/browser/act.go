package browser

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"
	"github.com/ysmood/gson"
)

// The roles that Chromium gives to what a person may press, write in, and choose from.
var (
	pressable = []string{
		"button", "link", "checkbox", "radio", "switch", "tab", "menuitem", "option", "DisclosureTriangle",
		"DisclosureTriangleGrouped",
	}
	writable  = []string{"textbox", "searchbox", "spinbutton", "combobox", "Date", "DateTime", "InputTime"}
	choosable = []string{"combobox", "listbox"}
)

// maxOffered is how many things a failed search lists.
const maxOffered = 40

// Click presses the button, link, checkbox, or the like of exactly this accessible name, with the mouse: it is scrolled
// into view, holds still, is not disabled, and nothing covers its centre. Two of one name fail the test, unless
// [Page.In] narrows them to one.
func (p *Page) Click(name string) {
	p.t.Helper()
	p.press(pressable, name)
}

// Fill writes the text into the field of this label, in place of what was there.
func (p *Page) Fill(label, text string) {
	p.t.Helper()
	field := p.press(writable, label)
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	var typed bool
	// Fields with parts, such as a date's, take no text as a whole: they get their value at once, and tell the page.
	err := call(tab, field, &typed, `function (text) {
		if (["date", "datetime-local", "month", "time", "week"].includes(this.type)) {
			this.value = text;
			this.dispatchEvent(new Event("input", {bubbles: true}));
			this.dispatchEvent(new Event("change", {bubbles: true}));
			return false;
		}
		this.select();
		return true;
	}`, text)
	if err == nil && typed {
		if text == "" {
			err = strike(tab, namedKeys['\b'])
		} else {
			err = proto.InputInsertText{Text: text}.Call(tab)
		}
	}
	var now string
	if err == nil {
		err = call(tab, field, &now, `function () { return this.value }`)
	}
	if err != nil {
		p.fail("fill in %q: %v", label, err)
	}
	if now != text {
		p.fail("fill in %q: the field holds %q, not %q", label, now, text)
	}
}

// Choose takes the option of this text in the list of this label.
func (p *Page) Choose(label, option string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the option %q of %q", option, label), func(tab *rod.Page) (string, error) {
		list, missing, err := p.find(tab, choosable, label)
		if err != nil || missing != "" {
			return missing, err
		}
		// The browser draws an open list outside of the page, where no test can reach.
		err = call(tab, list, &missing, `function (wanted) {
			const squeeze = text => text.trim().split(/\s+/).join(" ");
			const options = [...this.options ?? []];
			const option = options.find(o => squeeze(o.label) === squeeze(wanted));
			if (!option) return "there are " + options.map(o => squeeze(o.label)).join(", ");
			if (option.disabled) return "it is disabled";
			this.focus();
			option.selected = true;
			this.dispatchEvent(new Event("input", {bubbles: true}));
			this.dispatchEvent(new Event("change", {bubbles: true}));
			return "";
		}`, option)
		return missing, err
	})
}

// Type strikes keys, as a person or a scanner does, at whatever has the focus: printable ASCII, "\n" for Enter, "\t"
// for Tab, "\b" for Backspace, "\x1b" for Escape, and "\x1d" for Ctrl+], which scanners send between fields.
func (p *Page) Type(text string) {
	p.t.Helper()
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	for _, letter := range text {
		key, named := namedKeys[letter]
		if !named && (letter < ' ' || letter > '~') {
			p.fail("type %q: there is no key for %q", text, letter)
		}
		if !named {
			// Whatever is no key's first letter is its second, but for the space bar, which has one.
			modifiers := 0
			if _, first := input.Key(letter).Shift(); !first && letter != ' ' {
				modifiers = input.ModifierShift
			}
			key = *input.Key(letter).Encode(proto.InputDispatchKeyEventTypeKeyDown, modifiers)
		}
		if err := strike(tab, key); err != nil {
			p.fail("type %q: %v", text, err)
		}
	}
}

// Strike strikes the key with a code, with Shift if "+" stands before it. It writes text in the device's layout.
func (p *Page) Strike(code, text string) {
	p.t.Helper()
	code, isShifted := strings.CutPrefix(code, "+")
	modifiers := 0
	if isShifted {
		modifiers = input.ModifierShift
	}
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	if err := strike(
		tab, proto.InputDispatchKeyEvent{Key: text, Code: code, Text: text, Modifiers: modifiers},
	); err != nil {
		p.fail("strike %s: %v", code, err)
	}
}

// namedKeys are written out, since package input gives some of them the letter that they write for a name.
var namedKeys = map[rune]proto.InputDispatchKeyEvent{
	'\n':   {Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13, Text: "\r"},
	'\t':   {Key: "Tab", Code: "Tab", WindowsVirtualKeyCode: 9},
	'\b':   {Key: "Backspace", Code: "Backspace", WindowsVirtualKeyCode: 8},
	'\x1b': {Key: "Escape", Code: "Escape", WindowsVirtualKeyCode: 27},
	'\x1d': {Key: "]", Code: "BracketRight", WindowsVirtualKeyCode: 221, Modifiers: input.ModifierControl},
}

func strike(tab *rod.Page, key proto.InputDispatchKeyEvent) error {
	key.Type = proto.InputDispatchKeyEventTypeKeyDown
	if key.Text == "" {
		key.Type = proto.InputDispatchKeyEventTypeRawKeyDown
	}
	if err := key.Call(tab); err != nil {
		return err
	}
	key.Type, key.Text = proto.InputDispatchKeyEventTypeKeyUp, ""
	return key.Call(tab)
}

// press waits until the thing can be pressed, presses it once, and tells what it was.
func (p *Page) press(roles []string, name string) proto.DOMBackendNodeID {
	p.t.Helper()
	var id proto.DOMBackendNodeID
	var at, before proto.Point
	p.until(fmt.Sprintf("%q, to press it", name), func(tab *rod.Page) (missing string, err error) {
		if id == 0 {
			if id, missing, err = p.find(tab, roles, name); err != nil || missing != "" {
				id = 0
				return missing, err
			}
		}
		if at, missing, err = reach(tab, id); err != nil || missing != "" {
			id = 0 // another may have taken its place
			return missing, err
		}
		if at != before {
			before = at
			return "it moves", nil
		}
		return "", nil
	})
	tab := p.tab.Timeout(Patience)
	defer tab.CancelTimeout()
	// Outside of the wait: whatever goes wrong from here on, nothing is pressed twice.
	for _, event := range []proto.InputDispatchMouseEvent{
		{Type: proto.InputDispatchMouseEventTypeMouseMoved},
		{Type: proto.InputDispatchMouseEventTypeMousePressed, Button: proto.InputMouseButtonLeft, ClickCount: 1},
		{Type: proto.InputDispatchMouseEventTypeMouseReleased, Button: proto.InputMouseButtonLeft, ClickCount: 1},
	} {
		event.X, event.Y = at.X, at.Y
		if err := event.Call(tab); err != nil {
			p.fail("press %q: %v", name, err)
		}
	}
	return id
}

// find looks for the one thing of these roles and this name in what assistive technology is told.
func (p *Page) find(tab *rod.Page, roles []string, name string) (id proto.DOMBackendNodeID, missing string, err error) {
	root, err := proto.RuntimeEvaluate{Expression: p.root()}.Call(tab)
	if err != nil {
		return 0, "", err
	}
	if root.ExceptionDetails != nil {
		return 0, "", exception(root.ExceptionDetails)
	}
	if root.Result.ObjectID == "" {
		return 0, "there is no " + strings.Join(p.within, " in "), nil
	}
	// Most names are written as they are looked for: then the browser picks them out, and tells of nothing else.
	query := proto.AccessibilityQueryAXTree{ObjectID: root.Result.ObjectID, AccessibleName: name}
	tree, err := query.Call(tab)
	if err == nil && !slices.ContainsFunc(tree.Nodes, func(node *proto.AccessibilityAXNode) bool {
		return isOneOf(roles, node)
	}) {
		query.AccessibleName = ""
		tree, err = query.Call(tab)
	}
	if err != nil {
		return 0, "", err
	}
	var found []*proto.AccessibilityAXNode
	var offered []string
	for _, node := range tree.Nodes {
		if !isOneOf(roles, node) {
			continue
		}
		named := squeeze(node.Name.Value.Str())
		offered = append(offered, fmt.Sprintf("%s %q", node.Role.Value.Str(), named))
		if named == squeeze(name) {
			found = append(found, node)
		}
	}
	switch len(found) {
	case 0:
		if len(offered) > maxOffered {
			offered = append(offered[:maxOffered], "…")
		}
		return 0, "there are: " + strings.Join(offered, ", "), nil
	case 1:
	default:
		return 0, fmt.Sprintf("there are %d of that name", len(found)), nil
	}
	for _, property := range found[0].Properties {
		if property.Name == proto.AccessibilityAXPropertyNameDisabled && property.Value.Value.Bool() {
			return 0, "it is disabled", nil
		}
	}
	return found[0].BackendDOMNodeID, "", nil
}

func isOneOf(roles []string, node *proto.AccessibilityAXNode) bool {
	return !node.Ignored && node.Role != nil && node.Name != nil && slices.Contains(roles, node.Role.Value.Str())
}

// reach brings the element into view and gives its centre, when a finger put there would meet it.
func reach(tab *rod.Page, id proto.DOMBackendNodeID) (at proto.Point, missing string, err error) {
	if err := (proto.DOMScrollIntoViewIfNeeded{BackendNodeID: id}).Call(tab); err != nil {
		return at, "", err
	}
	shape, err := proto.DOMGetContentQuads{BackendNodeID: id}.Call(tab)
	if err != nil {
		return at, "", err
	}
	// A link over two lines has two shapes, and its centre may lie in neither.
	sized := slices.IndexFunc(shape.Quads, func(quad proto.DOMQuad) bool { return quad.Area() > 0 })
	if sized < 0 {
		return at, "it has no size", nil
	}
	at = shape.Quads[sized].Center()
	err = call(tab, id, &missing, `function (x, y) {
		const hit = document.elementFromPoint(x, y);
		if (this.contains(hit) || hit?.closest("label")?.control === this) return "";
		// It may have come to lie under something that stays at the window's edge.
		this.scrollIntoView({block: "center", behavior: "instant"});
		return hit ? "it is covered by " + hit.cloneNode().outerHTML : "it is outside of the window";
	}`, at.X, at.Y)
	return at, missing, err
}

// call calls a JavaScript function on an element.
func call(tab *rod.Page, id proto.DOMBackendNodeID, into any, function string, args ...any) error {
	element, err := proto.DOMResolveNode{BackendNodeID: id}.Call(tab)
	if err != nil {
		return err
	}
	request := proto.RuntimeCallFunctionOn{
		FunctionDeclaration: function, ObjectID: element.Object.ObjectID, ReturnByValue: true,
	}
	for _, arg := range args {
		request.Arguments = append(request.Arguments, &proto.RuntimeCallArgument{Value: gson.New(arg)})
	}
	answer, err := request.Call(tab)
	if err != nil {
		return err
	}
	if answer.ExceptionDetails != nil {
		return exception(answer.ExceptionDetails)
	}
	return answer.Result.Value.Unmarshal(into)
}
