package replica

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// store is a place in an object store that speaks S3.
type store struct {
	client               minio.Core
	bucket, root         string
	endpoint, region     string // as the address names them; the endpoint is empty for AWS
	credentials, address string
}

// storeForm is what the address of an object store looks like.
const storeForm = "s3://BUCKET/PATH?endpoint=https://HOST:PORT&region=REGION"

// errStoreForm is what is wrong with an address that does not look so.
var errStoreForm = errors.New("must be " + storeForm + ", with an endpoint, a region or both")

// openStore returns the place behind such an address. Who may write there is said by a file as the tools of AWS have
// it, or without one by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment: Litestream reads both too.
func openStore(at *url.URL, credentialsFile string) (*store, error) {
	asked := at.Query()
	endpoint, region := asked.Get("endpoint"), asked.Get("region")
	asked.Del("endpoint")
	asked.Del("region")
	if at.Host == "" || at.User != nil || len(asked) > 0 || endpoint == "" && region == "" {
		return nil, errStoreForm
	}
	s := &store{
		bucket: at.Host, root: strings.Trim(path.Clean("/"+at.Path), "/"), endpoint: endpoint, region: region,
		credentials: credentialsFile, address: at.String(),
	}
	options := &minio.Options{
		Creds: credentials.NewEnvAWS(), Secure: true, Region: region, MaxRetries: storeTries,
	}
	if credentialsFile != "" {
		options.Creds = credentials.NewFileAWSCredentials(credentialsFile, "")
	}
	host := "s3.amazonaws.com"
	if endpoint != "" {
		url, err := url.Parse(endpoint)
		if err != nil || url.Host == "" || strings.Trim(url.Path, "/") != "" || !protected(url) {
			return nil, errors.New("must name an endpoint such as https://HOST:PORT; http only on this machine itself")
		}
		host, options.Secure, options.BucketLookup = url.Host, url.Scheme == "https", minio.BucketLookupPath
		if region == "" {
			options.Region = "us-east-1" // as Litestream has it
		}
	}
	client, err := minio.New(host, options)
	if err != nil {
		return nil, err
	}
	s.client = minio.Core{Client: client}
	return s, nil
}

// storeTries is how often a request is made that fails by the network or the server.
const storeTries = 2

// protected reports whether nobody between can read or change what is sent to an endpoint.
func protected(endpoint *url.URL) bool {
	local := endpoint.Hostname() == "localhost" || net.ParseIP(endpoint.Hostname()).IsLoopback()
	return endpoint.Scheme == "https" || endpoint.Scheme == "http" && local
}

func (s *store) String() string { return s.address }

func (s *store) at(name string) string { return path.Join(s.root, name) }

// proofName is the object by which a store proves that it keeps to conditions.
const proofName = "condition"

// Create makes the object on the condition that there is none. A store that does not know conditions would let all who
// try succeed: it must prove first that it refuses to make an object that is there.
func (s *store) Create(ctx context.Context, name string, content []byte) error {
	if err := s.Put(ctx, proofName, []byte(rand.Text())); err != nil {
		return err
	}
	switch err := s.make(ctx, proofName, []byte("again")); {
	case err == nil:
		return fmt.Errorf("%s does not know If-None-Match: two could release at once", s)
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	return s.make(ctx, name, content)
}

// make makes an object unless it is there. Where several make it at once, a store may ask one to try again.
func (s *store) make(ctx context.Context, name string, content []byte) (err error) {
	var options minio.PutObjectOptions
	options.SetMatchETagExcept("*")
	for range storeTries {
		err = s.put(ctx, name, content, options)
		if minio.ToErrorResponse(errors.Unwrap(err)).StatusCode != http.StatusConflict {
			return err
		}
	}
	return err
}

func (s *store) Put(ctx context.Context, name string, content []byte) error {
	return s.put(ctx, name, content, minio.PutObjectOptions{})
}

func (s *store) put(ctx context.Context, name string, content []byte, options minio.PutObjectOptions) error {
	_, err := s.client.Client.PutObject(
		ctx, s.bucket, s.at(name), bytes.NewReader(content), int64(len(content)), options,
	)
	return s.failed(err)
}

func (s *store) Get(ctx context.Context, name string) ([]byte, error) {
	object, _, _, err := s.client.GetObject(ctx, s.bucket, s.at(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, s.failed(err)
	}
	defer object.Close()
	content, err := io.ReadAll(object)
	return content, s.failed(err)
}

func (s *store) List(ctx context.Context, name string) (names []string, err error) {
	options := minio.ListObjectsOptions{Prefix: s.at(name) + "/"}
	for o := range s.client.ListObjectsIter(ctx, s.bucket, options) {
		if o.Err != nil {
			return nil, s.failed(o.Err)
		}
		names = append(names, path.Base(o.Key))
	}
	slices.Sort(names)
	return names, ctx.Err()
}

func (s *store) Remove(ctx context.Context, name string) error {
	return s.failed(s.client.RemoveObject(ctx, s.bucket, s.at(name), minio.RemoveObjectOptions{}))
}

// failed returns an error of the store as one of this room.
func (s *store) failed(err error) error {
	if err == nil {
		return nil
	}
	switch said := minio.ToErrorResponse(err); {
	case said.Code == minio.NoSuchKey:
		return fs.ErrNotExist
	case said.StatusCode == http.StatusPreconditionFailed:
		return fs.ErrExist
	}
	return fmt.Errorf("%s: %w", s, err)
}

func (s *store) Litestream(name string) map[string]any {
	config := map[string]any{"type": "s3", "bucket": s.bucket, "path": s.at(name)}
	if s.endpoint != "" {
		config["endpoint"], config["force-path-style"] = s.endpoint, true
	}
	if s.region != "" {
		config["region"] = s.region
	}
	return config
}

// Env lets Litestream read the credentials from the same file.
func (s *store) Env() []string {
	if s.credentials == "" {
		return nil
	}
	return []string{"AWS_SHARED_CREDENTIALS_FILE=" + s.credentials}
}
