package db

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cloakroom-go/cloakroom"
)

// diagnosePostgres knows PostgreSQL's SQLSTATE codes.
func diagnosePostgres(err error) diagnosis {
	switch postgresCode(err) {
	case "":
		if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
			return unreachable(err)
		}
		return brokenConnection
	case "28000", "28P01":
		return diagnosis{cloakroom.ErrConfig, refusedUser, "mend the user name and password, or pg_hba.conf, or create the user with cloakroom createdb"}
	case "3D000":
		return diagnosis{cloakroom.ErrConfig, "the database does not exist", "create it with cloakroom createdb"}
	case "42P01":
		return missingTable
	case "42501":
		return missingGrant
	case "53300", "53400":
		return noConnectionLeft
	case "40001", "40P01", "55P03":
		return diagnosis{cloakroom.ErrUnavailable, "the database is busy", "see which other program keeps a transaction open"}
	case "25006":
		return readOnlyServer
	case "53100":
		return fullDisk
	case "54000":
		return diagnosis{kind: cloakroom.ErrTooLarge}
	case "57P01", "57P02", "57P03", "57014":
		return stopping
	}
	return diagnosis{cloakroom.ErrUnavailable, "the database failed", "see its log"}
}
