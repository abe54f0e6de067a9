package programs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

// curlOf returns the commands of the document for who connects a line.
func curlOf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "line.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```\n(curl .*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 1 {
		t.Fatalf("the document has %d blocks of commands", len(blocks))
	}
	return blocks[0][1]
}

func TestTheCommandsOfTheDocumentGetAListAndSayThatItIsTaken(t *testing.T) {
	t.Parallel()
	for _, needed := range []string{"bash", "curl", "sed", "sha256sum", "wc"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skipf("there is no %s on this machine", needed)
		}
	}
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "name", "Line PC", "kind", "pull")
	token := programOn(t, s, "Line PC of L1", []string{"L1"}, "take_lists").key
	folder, cursor := t.TempDir(), ""
	commands := curlOf(t)
	run := func(commands string) ([]byte, error) {
		c := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", commands)
		c.Dir = folder
		c.Env = append(os.Environ(), "LINEBOARD="+s.Web.URL, "TOKEN="+token, "CURSOR="+cursor, "no_proxy=127.0.0.1")
		return c.CombinedOutput()
	}
	took := func(order packaging.Order) bool {
		page := s.SignIn("supervisor1").Get(handlerstest.OrderPath(order, "")).Text("main")
		return strings.Contains(page, "Line PC took it")
	}
	asks := strings.Join(strings.SplitAfterN(commands, "\n", 3)[:2], "")
	if said, err := run(asks + `test -z "$ID"`); err != nil {
		t.Errorf("before a release: %v: %s", err, said)
	}
	first, second := release(t, s, "Order143"), release(t, s, "Order145")
	broken := strings.Replace(commands, "COUNT=", "sed -i '$d' list.csv; COUNT=", 1)
	if _, err := run(broken); err == nil || took(first) {
		t.Error("a list without its last serial number counts as taken")
	}
	if said, err := run(commands); err != nil || !took(first) || took(second) {
		t.Fatalf("%v: %s", err, said)
	}
	list, err := os.ReadFile(filepath.Join(folder, "list.csv"))
	if err != nil || strings.Count(string(list), "\n") != 12 {
		t.Errorf("the list: %v %s", err, list)
	}
	// The second list comes by the cursor that the first answer gave.
	answer, err := os.ReadFile(filepath.Join(folder, "releases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var page releases
	if err := json.Unmarshal(answer, &page); err != nil || page.Next == nil {
		t.Fatalf("%v: %s", err, answer)
	}
	cursor = *page.Next
	if said, err := run(commands); err != nil || !took(second) {
		t.Errorf("with the cursor: %v: %s", err, said)
	}
}
