package canary

import (
	"encoding/binary"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
)

// newTable is a database that asks for the password in plain text, accepts none,
// and repeats the one it was given when it says so.
func newTable(t *testing.T) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go tell(c)
		}
	}()
	return l.Addr().String()
}

// tell speaks as much of PostgreSQL's protocol as that takes.
func tell(c net.Conn) {
	defer c.Close()
	read := func(kind int) string {
		head := make([]byte, kind+4)
		if _, err := io.ReadFull(c, head); err != nil {
			return ""
		}
		body := make([]byte, min(binary.BigEndian.Uint32(head[kind:])-4, 1<<16))
		io.ReadFull(c, body)
		return string(body)
	}
	say := func(kind string, body string) {
		io.WriteString(c, kind+string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)))+body)
	}
	startup := read(0)
	say("R", "\x00\x00\x00\x03")
	password := strings.TrimRight(read(1), "\x00")
	say("E", "SFATAL\x00C28P01\x00Mpassword "+password+" of "+strings.ReplaceAll(startup[min(4, len(startup)):], "\x00", " ")+" is wrong\x00D"+password+"\x00\x00")
}

// authority is a certificate in PEM.
func authority(t *testing.T) string {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}
