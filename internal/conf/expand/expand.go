// Package expand turns the text of configuration files into plain lines:
// includes are followed, comments and lines for other machines dropped,
// definitions put in, sequences repeated. It knows no keyword but include's.
//
// Every word of a line remembers where it was written and, if that was in a
// definition, where the definition was used. What a line means is package
// syntax's business, and then schema's.
package expand

// Options are what expansion depends on besides the text.
type Options struct {
	ConfigID string                   // compared with @ID and @^ID
	Instance string                   // ${_INSTANCE}
	HostName string                   // takes ConfigID's and Instance's place when they are empty
	Env      func(name string) string // ${_ENV NAME}; nil: nothing is set
}
