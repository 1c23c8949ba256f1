// The second test server of scripts/mongodb.sh: FerretDB with its SQLite back end, on loopback, without telemetry or a metrics listener.
// Prints `PORT n` when it accepts connections. Run: ferretdb-server PORT DIRECTORY (port 0: a free one).
//
// FerretDB reads a document, changes it and writes it back without a lock, so that of two updates at once one is lost. Therefore clients
// talk to it through a door that lets one command in at a time, whichever connection it comes from: each is then atomic, as in MongoDB.
//
// Built around FerretDB's embeddable package, because its own command refuses to start when it was built as a dependency.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

const (
	headerBytes  = 16
	longestBytes = 48_000_000
	opMsg        = 2013
	// A flag of OP_MSG: the sender wants no answer.
	moreToCome = 2
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ferretdb-server PORT DIRECTORY")
		os.Exit(2)
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:   "sqlite",
		SQLiteURL: "file:" + os.Args[2] + "/",
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	end(err)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	end(err)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go func() {
		address, err := url.Parse(server.MongoDBURI())
		end(err)
		fmt.Println("PORT", listener.Addr().(*net.TCPAddr).Port)
		accept(listener, address.Host)
	}()
	end(server.Run(ctx))
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func accept(listener net.Listener, address string) {
	var door sync.Mutex
	for {
		client, err := listener.Accept()
		end(err)
		go func() {
			defer client.Close()
			server, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			defer server.Close()
			for pass(client, server, &door) == nil {
			}
		}()
	}
}

// One command and its answer. An error ends the connection.
func pass(client, server net.Conn, door *sync.Mutex) error {
	command, err := read(client)
	if err != nil {
		return err
	}
	answer, err := ask(server, command, door)
	if err != nil || answer == nil {
		return err
	}
	_, err = client.Write(answer)
	return err
}

func ask(server net.Conn, command []byte, door *sync.Mutex) ([]byte, error) {
	door.Lock()
	defer door.Unlock()
	if _, err := server.Write(command); err != nil || !isAnswered(command) {
		return nil, err
	}
	return read(server)
}

func isAnswered(message []byte) bool {
	return !(binary.LittleEndian.Uint32(message[12:]) == opMsg && binary.LittleEndian.Uint32(message[headerBytes:])&moreToCome != 0)
}

func read(connection net.Conn) ([]byte, error) {
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(connection, header); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(header)
	if length < headerBytes+4 || length > longestBytes {
		return nil, fmt.Errorf("a message of %d bytes", length)
	}
	message := make([]byte, length)
	copy(message, header)
	_, err := io.ReadFull(connection, message[headerBytes:])
	return message, err
}
