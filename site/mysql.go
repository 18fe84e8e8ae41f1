package site

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os/user"
	"slices"
	"strings"
)

// mysqlOwn is what Python's client does for itself, or is about no more than
// how text is stored: what sessions are written in is plain ASCII.
var mysqlOwn = []string{
	"isolation_level", "charset", "collation", "use_unicode", "default-character-set", "init_command", "sql_mode",
	"connect_timeout", "read_timeout", "write_timeout", "compress", "local_infile", "autocommit", "conv",
	"cursorclass", "client_flag", "binary_prefix", "max_allowed_packet", "program_name",
}

// mysqlSockets are where MySQL's clients look for the server of their own
// machine, on Debian, Red Hat's, and elsewhere.
var mysqlSockets = []string{"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"}

// mysqlAt does as Django and MySQL's client library: a HOST that begins with a
// slash is a socket, and localhost, or none, is the socket of this machine. What
// OPTIONS say goes before the rest, and that before what a my.cnf says.
func mysqlAt(d *databaseSetting) (*url.URL, string, error) {
	o := d.options
	o.skip(mysqlOwn...)
	group := o.text("read_default_group")
	file := map[string]string{}
	if path := o.text("read_default_file"); path != "" {
		var err error
		if file, err = readMyCnf(path, group); err != nil {
			return nil, "", d.wrong("the file that OPTIONS['read_default_file'] names cannot be read: "+err.Error(), "mend the file, or take it out")
		}
	}
	host, socket := d.Host, ""
	if strings.HasPrefix(host, "/") {
		host, socket = "", host
	}
	account := cmp.Or(o.text("user"), d.User, file["user"], osUser())
	password := cmp.Or(o.text("password"), o.text("passwd"), d.Password, file["password"])
	name := cmp.Or(o.text("database"), o.text("db"), d.Name, file["database"])
	port := cmp.Or(o.text("port"), d.Port, file["port"], "3306")
	host = cmp.Or(o.text("host"), host, file["host"], "localhost")
	socket = cmp.Or(o.text("unix_socket"), socket, file["socket"])
	if name == "" {
		return nil, "", d.wrong("NAME names no database", "write 'NAME': 'dash'")
	}
	query := url.Values{}
	if err := d.mysqlTLS(query, file); err != nil {
		return nil, "", err
	}
	if host == "localhost" && socket == "" {
		if i := slices.IndexFunc(mysqlSockets, exists); i >= 0 {
			socket = mysqlSockets[i]
		}
	}
	u := &url.URL{Scheme: "mysql", User: url.UserPassword(account, password), Path: "/" + name, RawPath: "/" + url.PathEscape(name)}
	location := socket
	if socket != "" && host == "localhost" {
		query.Set("unix_socket", socket)
	} else {
		u.Host = net.JoinHostPort(host, port)
		location = u.Host
	}
	u.RawQuery = query.Encode()
	return u, location + "/" + name, nil
}

// osUser is who the client library says it is where nobody is named.
func osUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// mysqlTLS reads ssl, ssl_mode and their likes of a my.cnf.
func (d *databaseSetting) mysqlTLS(query url.Values, file map[string]string) error {
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	ssl := optionsOf("OPTIONS['ssl']", nil)
	if given, ok := d.options.left["ssl"].(bool); ok {
		d.options.skip("ssl")
		if given {
			set("ssl_mode", "REQUIRED")
		}
	} else {
		ssl = d.options.group("ssl")
	}
	ssl.skip("cipher")
	for _, name := range []string{"ca", "cert", "key"} {
		set("ssl_"+name, cmp.Or(ssl.text(name), d.options.text("ssl_"+name), file["ssl-"+name]))
	}
	if ssl.flag("check_hostname") {
		set("ssl_mode", "VERIFY_IDENTITY")
	}
	if problem := ssl.check(); problem != "" {
		return d.wrong(problem, "take it out: ca, cert, key and cipher are known")
	}
	set("ssl_mode", cmp.Or(d.options.text("ssl_mode"), file["ssl-mode"]))
	if verify := strings.ToLower(file["ssl-verify-server-cert"]); query.Get("ssl_mode") == "" && slices.Contains([]string{"1", "on", "true"}, verify) {
		set("ssl_mode", "VERIFY_IDENTITY")
	}
	if mode := query.Get("ssl_mode"); !slices.Contains([]string{"", "DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"}, strings.ToUpper(mode)) {
		return d.wrong(fmt.Sprintf("the ssl_mode %q is not known here", mode), "choose DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY")
	}
	return nil
}
