package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// printer keeps the answers of commands and the events of watches, which come
// at any time, in whole pieces.
type printer struct {
	mu  sync.Mutex // held while anything is written
	out *bufio.Writer
	err io.Writer
}

func newPrinter(out, err io.Writer) *printer {
	return &printer{out: bufio.NewWriterSize(out, 64<<10), err: err}
}

// Write adds to a command's answer.
func (p *printer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

// printf adds to a command's answer.
func (p *printer) printf(format string, args ...any) {
	fmt.Fprintf(p, format, args...)
}

// println adds a line to a command's answer.
func (p *printer) println(line string) { p.printf("%s\n", line) }

// complain writes a line of standard error.
func (p *printer) complain(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.out.Flush()
	fmt.Fprintln(p.err, line)
}

// event writes what came unasked, at once.
func (p *printer) event(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = p.out.WriteString(text)
	_ = p.out.Flush()
}

// flush writes what is left and returns the first error of all writes.
func (p *printer) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Flush()
}

// json writes a value as one line.
func (p *printer) json(value any) {
	enc := json.NewEncoder(p)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		p.complain(err.Error())
	}
}

// redirect writes everything to w from now on.
func (p *printer) redirect(w io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.out.Flush()
	p.out.Reset(w)
}
