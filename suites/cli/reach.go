// SPDX-License-Identifier: Apache-2.0
// A Go program: no libc in it. A line goes through a Unix socket and through a pipe.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

func need(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func serve(listener net.Listener, done chan string) {
	connection, err := listener.Accept()
	need(err)
	line, err := io.ReadAll(connection)
	need(err)
	done <- string(line)
}

func main() {
	path := os.Args[1]
	done := make(chan string)
	listener, err := net.Listen("unix", path)
	need(err)
	go serve(listener, done)
	connection, err := net.Dial("unix", path)
	need(err)
	_, err = connection.Write([]byte("through a socket"))
	need(err)
	connection.Close()
	fmt.Println(<-done)
	listener.Close()
	reader, writer, err := os.Pipe()
	need(err)
	_, err = writer.Write([]byte("through a pipe"))
	need(err)
	writer.Close()
	line, err := io.ReadAll(reader)
	need(err)
	fmt.Println(string(line))
}
