package config

import (
	"slices"
	"strings"
)

// clientVariables begin like those of keys, but are read by the command line.
var clientVariables = []string{EnvPrefix + "CONFIG", EnvPrefix + "TOKEN"}

// ForRouter returns environ without the variables that are only for the explorer and do
// not begin with EnvPrefix: they may be somebody else's, and are no reason for a router
// not to start.
func ForRouter(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return !strings.HasPrefix(name, EnvPrefix) && slices.ContainsFunc(newTable(), func(k Key) bool { return k.Also == name && name != "" })
	})
}

// environment reads the variables whose name begins with EnvPrefix.
func (l *loader) environment(environ []string) {
	for _, variable := range environ {
		name, text, _ := strings.Cut(variable, "=")
		if l.also(environ, name, text) {
			continue
		}
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

// also reports whether name is the other name of a key's variable, and then reads it.
// Two variables of one key are told, even if they say the same.
func (l *loader) also(environ []string, name, text string) bool {
	i := slices.IndexFunc(l.keys, func(k Key) bool { return k.Also != "" && k.Also == name })
	if i < 0 {
		return false
	}
	k, o := &l.keys[i], Origin{Layer: LayerEnvironment, Name: name}
	if slices.ContainsFunc(environ, func(variable string) bool { return strings.HasPrefix(variable, k.Env+"=") }) {
		l.problems = append(l.problems, Problem{Origin: o, What: "is set as well as " + k.Env, Remedy: "remove one of the two"})
		return true
	}
	l.text(k, o, text)
	return true
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
