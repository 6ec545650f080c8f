// The peer program around go-tuf: one JSON request a line on stdin, one JSON answer a line on stdout.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type request struct {
	Op string `json:"op"`
	caseRequest
	verifyRequest
	clientRequest
	mapRequest
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	answers := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		answer, err := answerTo(line)
		if err != nil {
			answer = map[string]string{"failed": err.Error()}
		}
		if err := answers.Encode(answer); err != nil {
			return
		}
	}
}

func answerTo(line []byte) (any, error) {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, err
	}
	switch asked.Op {
	case "case":
		return runCase(asked.caseRequest)
	case "verify":
		return runVerify(asked.verifyRequest)
	case "client":
		return runClient(asked.clientRequest, asked.RootFile, asked.Runs)
	case "map":
		return runMap(asked.mapRequest)
	}
	return nil, fmt.Errorf("unknown request %q", asked.Op)
}
