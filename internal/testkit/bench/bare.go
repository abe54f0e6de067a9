package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/labstack/echo/v4"
)

// bareEcho is the argument with which this program runs itself as the other side of the board.
const bareEcho = "bare-echo"

// serveBare answers every request with the bytes in a file, or with those in a second one, which are compressed, where
// gzip is accepted. It is what Echo can do at most on this machine: no session, no database, no page to render.
func serveBare(ctx context.Context, files []string, stdout io.Writer) error {
	if len(files) != 2 {
		return errors.New(bareEcho + " needs two files: the page, and the page compressed")
	}
	plain, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	compressed, err := os.ReadFile(files[1])
	if err != nil {
		return err
	}
	e := echo.New()
	e.GET("/*", func(c echo.Context) error {
		if strings.Contains(c.Request().Header.Get(echo.HeaderAcceptEncoding), "gzip") {
			c.Response().Header().Set(echo.HeaderContentEncoding, "gzip")
			return c.Blob(http.StatusOK, echo.MIMETextHTMLCharsetUTF8, compressed)
		}
		return c.Blob(http.StatusOK, echo.MIMETextHTMLCharsetUTF8, plain)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: e}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	fmt.Fprintf(stdout, "http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
