package h2

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"

	"golang.org/x/net/http2/hpack"
)

// Types of frames (RFC 9113 §6).
const (
	kindData         = 0
	kindHeaders      = 1
	kindReset        = 3
	kindSettings     = 4
	kindPushPromise  = 5
	kindPing         = 6
	kindGoAway       = 7
	kindWindowUpdate = 8
	kindContinuation = 9
)

// Flags of frames.
const (
	flagEndStream  = 0x01
	flagAck        = 0x01
	flagEndHeaders = 0x04
	flagPadded     = 0x08
	flagPriority   = 0x20
)

// Settings (RFC 9113 §6.5.2).
const (
	settingPush      = 2
	settingWindow    = 4
	settingMaxHeader = 6
)

const (
	preface   = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	headLen   = 9
	maxFrame  = 16 << 10 // the least that a client must take, and what we take
	window    = 1 << 20  // of what is on its way to us, in bytes
	preWindow = 65535    // of a connection, before anybody says otherwise
	stream    = 1        // the only one
)

type frame struct {
	kind, flags byte
	stream      uint32
	body        []byte
}

// readFrame reads a frame into buf.
func readFrame(from io.Reader, buf []byte) (frame, error) {
	var head [headLen]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return frame{}, err
	}
	n := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
	f := frame{kind: head[3], flags: head[4], stream: binary.BigEndian.Uint32(head[5:]) &^ (1 << 31)}
	switch {
	case n > len(buf):
		return frame{}, malformed("a frame of %d bytes, more than %d", n, len(buf))
	case f.kind == kindPing && n != 8, f.kind == kindReset && n != 4, f.kind == kindGoAway && n < 8:
		return frame{}, malformed("a frame of type %d of %d bytes", f.kind, n)
	}
	f.body = buf[:n]
	_, err := io.ReadFull(from, f.body)
	return f, err
}

// unpadded is what a frame carries.
func (f *frame) unpadded() ([]byte, bool) {
	if f.flags&flagPadded == 0 {
		return f.body, true
	}
	if len(f.body) == 0 || int(f.body[0]) >= len(f.body) {
		return nil, false
	}
	return f.body[1 : len(f.body)-int(f.body[0])], true
}

// codes are the names of errors (RFC 9113 §7).
var codes = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
	"STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
	"CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// code names the error at a place in the frame.
func (f *frame) code(at int) string {
	n := binary.BigEndian.Uint32(f.body[at:])
	if n < uint32(len(codes)) {
		return codes[n]
	}
	return "error " + strconv.FormatUint(uint64(n), 10)
}

func appendFrame(b []byte, kind, flags byte, to uint32, body []byte) []byte {
	b = append(b, byte(len(body)>>16), byte(len(body)>>8), byte(len(body)), kind, flags)
	b = binary.BigEndian.AppendUint32(b, to)
	return append(b, body...)
}

// opening is all that we say of our own accord.
func opening(r Request) []byte {
	var settings []byte
	for _, s := range []struct {
		id    uint16
		value uint32
	}{{settingPush, 0}, {settingWindow, window}, {settingMaxHeader, MaxHeader}} {
		settings = binary.BigEndian.AppendUint16(settings, s.id)
		settings = binary.BigEndian.AppendUint32(settings, s.value)
	}
	var header bytes.Buffer
	e := hpack.NewEncoder(&header)
	for _, f := range r.Fields {
		_ = e.WriteField(f) // to memory
	}
	b := appendFrame([]byte(preface), kindSettings, 0, 0, settings)
	b = appendFrame(b, kindWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, window-preWindow))
	if len(r.Body) == 0 {
		return appendFrame(b, kindHeaders, flagEndHeaders|flagEndStream, stream, header.Bytes())
	}
	b = appendFrame(b, kindHeaders, flagEndHeaders, stream, header.Bytes())
	return appendFrame(b, kindData, flagEndStream, stream, r.Body)
}

// windows gives back what data took of the windows.
func windows(n int) []byte {
	more := binary.BigEndian.AppendUint32(nil, uint32(n)) // at most maxFrame
	b := appendFrame(nil, kindWindowUpdate, 0, 0, more)
	return appendFrame(b, kindWindowUpdate, 0, stream, more)
}
