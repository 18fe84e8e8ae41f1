module github.com/cloakroom-go/cloakroom

go 1.26.8
