// A real S3 server for the tests: VersityGW over a directory. Called as `s3-server ADDRESS DIRECTORY`, where the address is
// `host:port` or the path of a Unix socket. Whoever signs as ROOT_ACCESS_KEY, with the secret in ROOT_SECRET_KEY, may do
// everything. Every directory in it is a bucket.
package main

import (
	"context"
	"log"
	"os"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: s3-server ADDRESS DIRECTORY")
	}
	backend, err := posix.New(os.Args[2], meta.XattrMeta{}, posix.PosixOpts{Concurrency: 100})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(embedgw.RunVersityGW(context.Background(), backend, &embedgw.Config{
		RootUserAccess:    os.Getenv("ROOT_ACCESS_KEY"),
		RootUserSecret:    os.Getenv("ROOT_SECRET_KEY"),
		Ports:             []string{os.Args[1]},
		MaxConnections:    1000,
		MaxRequests:       1000,
		MultipartMaxParts: 10000,
		Quiet:             true,
		KeepAlive:         true,
		DisableACLs:       true,
	}))
}
