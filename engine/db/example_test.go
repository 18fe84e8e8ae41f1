package db_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/db"
)

func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	engine, err := db.Open(ctx, "sqlite:///"+filepath.Join(dir, "sessions.sqlite3"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	if err := engine.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}

	// cloakroom.New hands the keys of cloakroom.WithSecretKey over by itself.
	signed := engine.WithSecretKeys("the SECRET_KEY of the Django site")
	r := &cloakroom.Record{Data: map[string]any{"n": int64(41)}, Expires: time.Now().Add(time.Hour)}
	if err := signed.Create(ctx, r); err != nil {
		fmt.Println(err)
		return
	}
	loaded, err := signed.Load(ctx, r.Key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(loaded.Data["n"], len(r.Key))
	// Output: 41 32
}

func ExampleStatements() {
	address, err := db.WithoutPassword("mysql://dash:secret@/dash?unix_socket=/run/mysqld/mysqld.sock")
	if err != nil {
		fmt.Println(err)
		return
	}
	statements, err := db.Statements(address)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, statement := range statements {
		fmt.Println(statement + ";")
	}
	// Output:
	// CREATE DATABASE IF NOT EXISTS `dash` CHARACTER SET utf8mb4;
	// CREATE USER IF NOT EXISTS 'dash'@'localhost' IDENTIFIED BY 'PASSWORD';
	// GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON `dash`.* TO 'dash'@'localhost';
}
