package config

import (
	"slices"
	"strings"
)

// clientVariables begin like those of keys, but are read by the command line.
var clientVariables = []string{EnvPrefix + "CONFIG", EnvPrefix + "TOKEN"}

// environment reads the variables whose name begins with EnvPrefix.
func (l *loader) environment(environ []string) {
	for _, variable := range environ {
		name, text, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, EnvPrefix) || slices.Contains(clientVariables, name) {
			continue
		}
		o := Origin{Layer: LayerEnvironment, Name: name}
		i := slices.IndexFunc(l.keys, func(k Key) bool { return k.Env == name })
		if i >= 0 {
			l.text(&l.keys[i], o, text)
			continue
		}
		l.problems = append(l.problems, Problem{
			Origin: o,
			What:   "unknown variable",
			Remedy: l.remedyVariable(name, text),
		})
	}
}

func (l *loader) remedyVariable(name, text string) string {
	if isServiceLink(name, text) {
		return "Kubernetes sets it for a Service whose name begins with adic: set enableServiceLinks: false in the pod"
	}
	if n := namedLike(strings.TrimPrefix(name, EnvPrefix)); n != nil {
		return n.fileOnly()
	}
	if k := l.keys.nearest(strings.TrimPrefix(name, EnvPrefix)); k != nil {
		return "did you mean " + k.Env + "?"
	}
	if near := nearest(name, clientVariables); near != "" {
		return "did you mean " + near + "?"
	}
	return "unset it; adic config lists every key"
}

// isServiceLink recognises the variables that Kubernetes gives every pod for
// every Service of its namespace: those of a Service "adic" begin like ours,
// and whoever runs it did not set them.
func isServiceLink(name, text string) bool {
	return strings.Contains(name, "_SERVICE_HOST") || strings.Contains(name, "_SERVICE_PORT") ||
		strings.Contains(name, "_TCP_") || strings.HasPrefix(text, "tcp://")
}
