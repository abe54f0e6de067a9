package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/labstack/echo/v4"
)

// bareEcho is the argument with which this program runs itself as the other side of the board.
const bareEcho = "bare-echo"

// serveBare answers every request with the header in a file and the bytes in a second one, or those in a third, which
// are compressed, where gzip is accepted; to whoever has a tag it says that nothing has changed. It is what Echo can do
// at most on this machine: no session, no database, no page to render.
func serveBare(ctx context.Context, files []string, stdout io.Writer) error {
	if len(files) != 3 {
		return errors.New(bareEcho + " needs three files: the header, the page, and the page compressed")
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	var header http.Header
	if err := json.Unmarshal(text, &header); err != nil {
		return err
	}
	plain, err := os.ReadFile(files[1])
	if err != nil {
		return err
	}
	compressed, err := os.ReadFile(files[2])
	if err != nil {
		return err
	}
	e := echo.New()
	e.GET("/*", func(c echo.Context) error {
		maps.Copy(c.Response().Header(), header)
		if tag := c.Request().Header.Get("If-None-Match"); tag != "" {
			c.Response().Header().Set("ETag", tag)
			return c.NoContent(http.StatusNotModified)
		}
		if strings.Contains(c.Request().Header.Get(echo.HeaderAcceptEncoding), "gzip") {
			c.Response().Header().Set(echo.HeaderContentEncoding, "gzip")
			return c.Blob(http.StatusOK, echo.MIMETextHTMLCharsetUTF8, compressed)
		}
		return c.Blob(http.StatusOK, echo.MIMETextHTMLCharsetUTF8, plain)
	})
	return serveHere(ctx, e, stdout)
}

// serveHere serves on this machine until ctx ends, and says where.
func serveHere(ctx context.Context, handler http.Handler, stdout io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	fmt.Fprintf(stdout, "http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
