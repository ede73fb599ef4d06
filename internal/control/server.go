package control

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/holdfast-ha/holdfast/api"
)

// maxWeight bounds the weight of a real server.
const maxWeight = 65535

// writeCommand puts a command into the query of a URL: no request has a body.
func writeCommand(c api.ServerCommand) string {
	v := url.Values{"action": {c.Action}}
	for name, value := range map[string]string{"service": c.Service, "server": c.Server, "why": c.Why} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if c.Action == api.ServerWeight {
		v.Set("weight", strconv.Itoa(c.Weight))
	}
	return v.Encode()
}

// readCommand is its inverse.
func readCommand(v url.Values) (api.ServerCommand, error) {
	c := api.ServerCommand{Action: v.Get("action"), Service: v.Get("service"), Server: v.Get("server"), Why: v.Get("why")}
	switch c.Action {
	case api.ServerClear:
		if c.Server != "" {
			return c, fmt.Errorf("%s takes a virtual server or none, and no real server", c.Action)
		}
		return c, nil
	case api.ServerWeight:
		n, err := strconv.Atoi(v.Get("weight"))
		if err != nil || n < 0 || n > maxWeight {
			return c, fmt.Errorf("weight %q is not valid, expected 0 to %d", v.Get("weight"), maxWeight)
		}
		c.Weight = n
	case api.ServerDrain, api.ServerDisable, api.ServerEnable:
	default:
		return c, fmt.Errorf("there is no action %q", c.Action)
	}
	if c.Service == "" || c.Server == "" {
		return c, fmt.Errorf("%s needs a virtual server and a real server", c.Action)
	}
	if len(c.Why) > api.MaxWhy {
		return c, fmt.Errorf("the reason has %d bytes, %d are the most", len(c.Why), api.MaxWhy)
	}
	if at := strings.IndexFunc(c.Why, unicode.IsControl); at >= 0 {
		return c, fmt.Errorf("the reason has the control character %q", c.Why[at])
	}
	return c, nil
}
