package ipc

import "encoding/json"

// ReadEach reads what is there of a connection on which the other side sends
// but one kind of message, each with a T for its body. Anything else is passed
// over: no child of ours sends it.
func ReadEach[T any](c *Conn, kind Kind, each func(T)) error {
	return c.ReadReady(func(m Message, files []int) {
		var body T
		if m.Kind == kind && len(files) == 0 && json.Unmarshal(m.Body, &body) == nil {
			each(body)
		}
	})
}
