package handlerstest

import (
	"bufio"
	"io"
	"mime/multipart"
	"net/http"

	"lineboard/internal/testkit/site"
)

// Upload posts a form with fields and a file of that name, which is made while it is sent.
func Upload(b *site.Browser, to string, fields map[string]string, name string, write func(io.Writer)) site.Answer {
	body, w := io.Pipe()
	defer body.Close() //nolint:errcheck // a pipe's never fails
	form := multipart.NewWriter(w)
	go func() {
		for name, value := range fields {
			_ = form.WriteField(name, value)
		}
		if part, err := form.CreateFormFile("file", name); err == nil {
			buffered := bufio.NewWriterSize(part, 64<<10)
			write(buffered)
			_ = buffered.Flush()
		}
		_ = form.Close()
		_ = w.Close()
	}()
	return b.Send(http.MethodPost, to, form.FormDataContentType(), body)
}
