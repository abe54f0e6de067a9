package config

import (
	_ "embed"
	"strings"
)

//go:embed demo.yaml
var demo string

// DemoPassword is the password of everybody in the demo, and of nobody elsewhere.
const DemoPassword = "lineboard-demo"

// Demo returns the provisioning of the demo, whose API is at baseURL. A site would write its own file like this.
func Demo(baseURL string) (Provisioning, error) {
	file := strings.Replace(demo, "$SANDBOX", baseURL, 1)
	return ParseProvisioning([]byte(file), func(name string) string {
		return map[string]string{"DEMO_PASSWORD": DemoPassword}[name]
	}, nil)
}
