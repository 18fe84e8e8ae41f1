package db

import (
	"errors"
	"net"

	"github.com/go-sql-driver/mysql"

	"github.com/cloakroom-go/cloakroom"
)

// diagnoseMySQL knows the error numbers of MySQL and of MariaDB.
func diagnoseMySQL(err error) diagnosis {
	switch {
	case errors.Is(err, mysql.ErrPktTooLarge):
		return tooLargeForMySQL
	case errors.Is(err, mysql.ErrNoTLS):
		return diagnosis{cloakroom.ErrConfig, "the database server does not encrypt", "set it up for TLS, or take ssl_mode out of the address"}
	}
	switch mysqlCode(err) {
	case 0:
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return unreachable(err)
		}
		if isCertificateError(err) {
			return unreachable(err)
		}
		return brokenConnection
	case 1045, 1698, 1130, 1251, 1524, 1862, 3118, 4151:
		return diagnosis{cloakroom.ErrConfig, refusedUser, "mend the user name and password, or create the user with cloakroom createdb"}
	case 1049:
		return diagnosis{cloakroom.ErrConfig, "the database does not exist", "create it with cloakroom createdb"}
	case 1044:
		return diagnosis{cloakroom.ErrConfig, "the database does not exist, or this user may not use it", "create both with cloakroom createdb, or mend the grants"}
	case 1146:
		return missingTable
	case 1142, 1143, 1227, 1370:
		return missingGrant
	case 1040, 1203, 1226:
		return noConnectionLeft
	case 1129:
		return diagnosis{cloakroom.ErrUnavailable, "the database server blocks this machine, whose connections have broken too often", "run FLUSH HOSTS there, and raise its max_connect_errors"}
	case 1205, 1213, 1020, 1614:
		return diagnosis{cloakroom.ErrUnavailable, "the database is busy", "see which other program keeps a transaction open"}
	case 1290, 1792, 1836, 3100:
		return readOnlyServer
	case 3, 28, 1021, 1030, 1114, 1041:
		return fullDisk
	case 1153, 1301, 1406:
		return tooLargeForMySQL
	case 1105:
		// What MariaDB says of a parameter beyond max_allowed_packet.
		return tooLargeForMySQL
	case 1047, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1317, 1927, 1969, 3024, 3169, 4031:
		return stopping
	}
	return diagnosis{cloakroom.ErrUnavailable, "the database failed", "see its log"}
}

var tooLargeForMySQL = diagnosis{
	cloakroom.ErrTooLarge, "the session is larger than the database takes",
	"raise the server's max_allowed_packet, and see that session_data is a longtext",
}
