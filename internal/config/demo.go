package config

import (
	_ "embed"
	"strings"
)

//go:embed demo.yaml
var demo string

// DemoPassword is the password of everybody in the demo, and of nobody elsewhere.
const DemoPassword = "lineboard-demo"

// Demo is the provisioning of the demo, whose API is at baseURL. It is written as a site would write its own file.
func Demo(baseURL string) (Provisioning, error) {
	values := map[string]string{"DEMO_PASSWORD": DemoPassword}
	return ParseProvisioning([]byte(strings.Replace(demo, "$SANDBOX", baseURL, 1)), func(name string) string { return values[name] })
}
