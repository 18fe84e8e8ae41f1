"""The pages of every site, in Django: run in a process that has its settings."""

import socketserver
import threading
import time
import wsgiref.simple_server

from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path


def login(request):
    request.session["user"] = 1
    return HttpResponse(1)


def read(request):
    return HttpResponse(request.session.get(request.GET["name"], 0))


def add(request):
    if not request.session.get("user"):
        return HttpResponse(0)
    if "hold" in request.GET:
        time.sleep(float(request.GET["hold"].removesuffix("ms")) / 1000)
    name = request.GET["name"]
    request.session[name] = request.session.get(name, 0) + 1
    return HttpResponse(request.session[name])


def logout(request):
    request.session.flush()
    return HttpResponse(0)


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


settings.MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
settings.ROOT_URLCONF = tuple(path(page.__name__, page) for page in (login, read, add, logout))
server = wsgiref.simple_server.make_server("127.0.0.1", 0, get_wsgi_application(), Server, Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
