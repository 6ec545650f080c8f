package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

const base = "http://repository.test/"

type caseRequest struct {
	Trusted []byte `json:"trusted"`
	Steps   []step `json:"steps"`
}

type step struct {
	Files   map[string][]byte `json:"files"`
	Lookups []string          `json:"lookups"`
}

type stepAnswer struct {
	Refused string         `json:"refused,omitempty"`
	Lookups []lookupAnswer `json:"lookups"`
}

type lookupAnswer struct {
	Refused string            `json:"refused,omitempty"`
	Length  *int64            `json:"length,omitempty"`
	Hashes  map[string]string `json:"hashes,omitempty"`
}

// files serves a step's repository: what a web server would find under the decoded path.
type files map[string][]byte

func (served files) DownloadFile(address string, maxLength int64, _ time.Duration) ([]byte, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	bytes, ok := served[strings.TrimPrefix(parsed.Path, "/")]
	if !ok {
		return nil, &metadata.ErrDownloadHTTP{StatusCode: http.StatusNotFound, URL: address}
	}
	if int64(len(bytes)) > maxLength {
		return nil, &metadata.ErrDownloadLengthMismatch{Msg: address}
	}
	return bytes, nil
}

// runCase runs the client once for each step, on one cache, as a program that is started again and again would.
func runCase(asked caseRequest) (any, error) {
	directory, err := os.MkdirTemp("", "holdfast-go-tuf-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(directory)
	answers := []stepAnswer{}
	for _, each := range asked.Steps {
		answers = append(answers, runStep(asked.Trusted, directory, each))
	}
	return map[string]any{"steps": answers}, nil
}

func runStep(trusted []byte, directory string, asked step) stepAnswer {
	var client *updater.Updater
	err := guarded(func() error {
		settings, err := config.New(base, trusted)
		if err != nil {
			return err
		}
		settings.LocalMetadataDir = filepath.Join(directory, "metadata")
		settings.LocalTargetsDir = filepath.Join(directory, "targets")
		settings.Fetcher = files(asked.Files)
		if client, err = updater.New(settings); err != nil {
			return err
		}
		return client.Refresh()
	})
	if err != nil {
		return stepAnswer{Refused: err.Error(), Lookups: []lookupAnswer{}}
	}
	answers := []lookupAnswer{}
	for _, path := range asked.Lookups {
		answers = append(answers, lookUp(client, path))
	}
	return stepAnswer{Lookups: answers}
}

func lookUp(client *updater.Updater, path string) lookupAnswer {
	var found *metadata.TargetFiles
	err := guarded(func() (err error) {
		found, err = client.GetTargetInfo(path)
		return err
	})
	// The library has no type for this error.
	if err != nil && err.Error() == fmt.Sprintf("target %s not found", path) {
		return lookupAnswer{}
	}
	if err != nil {
		return lookupAnswer{Refused: err.Error()}
	}
	hashes := map[string]string{}
	for algorithm, hash := range found.Hashes {
		hashes[algorithm] = fmt.Sprintf("%x", []byte(hash))
	}
	return lookupAnswer{Length: &found.Length, Hashes: hashes}
}

// guarded turns a panic of the library into an error, so that one bad repository does not end the program.
func guarded(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return work()
}
