# Web servers that only speak TLS, good ones and bad ones, for test/cli/ca.bats: tls_server.rb FOLDER
# Writes certificates and keys into FOLDER, and last FOLDER/ports: lines "NAME PORT". The first part
# of a path tells how the answer is to be: https://localhost:PORT/huge/puppet-ca/v1/...
# Below /prompt, /first, /never, /swapped, /taken and /foreign stands a small CA that signs requests (or not);
# below /site one site graph, of the environment production;
# below /ca-NUMBER-HOW one that is told to, a CA of its own for each: see Authority.
require 'openssl'
require 'socket'

FOLDER = ARGV.fetch(0)
DAY = 86_400
SITE = '{"environment":"production","applications":{}}'.freeze
LIST = '[{"name":"web1","state":"requested","fingerprint":"' + Array.new(32, 'AB').join(':') + '"}]'

def key_pair
  OpenSSL::PKey::EC.generate('prime256v1')
end

def extend_certificate(cert, issuer, extensions)
  factory = OpenSSL::X509::ExtensionFactory.new(issuer, cert)
  extensions.each { |name, value| cert.add_extension(factory.create_extension(name, value)) }
end

# issue NAME, by [certificate, key] or itself, valid from..to in days from now
def issue(name, by: nil, from: -1, to: 1, extensions: {})
  key = key_pair
  cert = OpenSSL::X509::Certificate.new
  cert.version = 2
  cert.serial = rand(1 << 60)
  cert.subject = OpenSSL::X509::Name.new([['CN', name]])
  cert.issuer = by ? by[0].subject : cert.subject
  cert.public_key = key
  cert.not_before = Time.now + from * DAY
  cert.not_after = Time.now + to * DAY
  extend_certificate(cert, by ? by[0] : cert, extensions)
  cert.sign(by ? by[1] : key, 'SHA256')
  [cert, key]
end

def save(name, pair)
  File.write("#{FOLDER}/#{name}.pem", pair[0].to_pem)
  File.write("#{FOLDER}/#{name}.key", pair[1].to_pem, perm: 0o600)
  pair
end

def server_context(pair)
  context = OpenSSL::SSL::SSLContext.new
  context.add_certificate(*pair)
  context.session_cache_mode = OpenSSL::SSL::SSLContext::SESSION_CACHE_OFF
  context
end

def head(status, length)
  "HTTP/1.1 #{status} Words\r\nContent-Type: application/json\r\nContent-Length: #{length}\r\n"
end

def answer(io, how)
  case how
  when 'ok' then io.write(head(200, LIST.size), "\r\n", LIST)
  when /\A\d+\z/ then io.write(head(how, 9), "Location: https://localhost:1/\r\n\r\nits words")
  when 'huge' then io.write(head(200, 1 << 40), "\r\n[")
  when 'flood'
    io.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    5000.times { io.write("4000\r\n", 'x' * 0x4000, "\r\n") }
    io.write("0\r\n\r\n")
  when 'headers'
    io.write("HTTP/1.1 200 OK\r\n")
    2000.times { io.write('X-More: ', 'y' * 100, "\r\n") }
  when 'half' then io.write(head(200, 100), "\r\n[")
  when 'close' then nil
  when 'noise' then io.write("SSH-2.0-OpenSSH_9.2\r\n")
  when 'slow' then sleep
  end
end

def text(io, status, body)
  io.write(head(status, body.size), "\r\n", body)
end

REQUESTS = {}

# The certificate that this kind of CA makes of a request, in PEM.
def sign(how, request)
  cert, key = issue(request.subject.to_a[0][1], by: how == 'foreign' ? OTHER : CA)
  return cert.to_pem if how == 'swapped'

  cert.public_key = request.public_key
  cert.sign((how == 'foreign' ? OTHER : CA)[1], 'SHA256')
  key && cert.to_pem
end

def take_request(io, how, name, body)
  return text(io, 400, "#{name} already has a requested certificate") if how == 'taken' || REQUESTS[how + name]

  REQUESTS[how + name] = OpenSSL::X509::Request.new(body)
  text(io, 200, '')
end

# A CA as Puppet Server has one; how: what is odd about it.
def act_as_ca(io, method, how, kind, name, body)
  request = REQUESTS[how + name]
  if kind == 'certificate' && name == 'ca' then text(io, 200, CA[0].to_pem)
  elsif method == 'PUT' then take_request(io, how, name, body)
  elsif kind == 'certificate' && request && how != 'never' then text(io, 200, sign(how, request))
  elsif kind == 'certificate_request' && request then text(io, 200, request.to_pem)
  elsif kind == 'certificate_request' && how == 'taken' then text(io, 200, TAKEN)
  else text(io, 404, 'no')
  end
end

# A CA that is asked over the API of /puppet-ca/v1 to sign, revoke and delete. How, beside "good":
#   swap      signs another key than the request's
#   mute      signs, revokes and deletes, and then does not answer
#   stubborn  refuses to
class Authority
  EXTENSION = /\A1\.3\.6\.1\.4\.1\.34380\.1\.3\.13\z/

  def initialize(how)
    @how = how
    @kept = {}
  end

  # [status, body]; nil: no answer
  def answer(method, kind, name, body)
    return [200, "[#{@kept.keys.map { |known| status(known) }.join(',')}]"] if kind == 'certificate_statuses'
    return submit(name, body) if method == 'PUT' && kind == 'certificate_request'
    return [404, 'no'] unless @kept[name] && (kind == 'certificate_status' || @kept[name][kind])
    return [200, kind == 'certificate_status' ? status(name) : @kept[name][kind].to_pem] if method == 'GET'
    return [409, 'its words'] if @how == 'stubborn'

    change(method, name, body)
    @how == 'mute' ? nil : [204, '']
  end

  def submit(name, body)
    return [400, "#{name} already has a requested certificate"] if @kept[name]

    @kept[name] = { 'state' => 'requested', 'certificate_request' => OpenSSL::X509::Request.new(body) }
    [200, '']
  end

  def change(method, name, body)
    kept = @kept[name]
    if method == 'DELETE' then @kept.delete(name)
    elsif body.include?('revoked') then kept['state'] = 'revoked'
    else
      kept['state'] = 'signed'
      kept['certificate'] = certify(name, kept.delete('certificate_request'))
    end
  end

  def certify(name, request)
    cert, = issue(name, by: CA)
    return cert if @how == 'swap'

    cert.public_key = request.public_key
    cert.sign(CA[1], 'SHA256')
  end

  def status(name)
    kept = @kept[name]
    thing = kept['certificate'] || kept['certificate_request']
    print = OpenSSL::Digest::SHA256.hexdigest(thing.to_der).upcase.scan(/../).join(':')
    time = kept['certificate'] ? '"2031-11-20T10:00:00UTC"' : 'null'
    "{\"name\":\"#{name}\",\"state\":\"#{kept['state']}\",\"fingerprint\":\"#{print}\"," \
      "\"not_after\":#{time},#{wishes(kept['certificate_request'])}}"
  end

  # What the request asks for; of a certificate nothing is told here.
  def wishes(request)
    list = request ? request.attributes.flat_map { |a| a.value.value[0].value } : []
    names = list.select { |e| e.value[0].value == 'subjectAltName' }.flat_map { |e| inner(e).map(&:value) }
    roles = list.select { |e| EXTENSION.match?(e.value[0].value) }.map { |e| inner(e) }
    "\"subject_alt_names\":#{names.map { |name| "DNS:#{name}" }.inspect}," \
      "\"authorization_extensions\":{#{roles.map { |role| "\"pp_auth_role\":#{role.inspect}" }.join(',')}}"
  end

  def inner(extension)
    OpenSSL::ASN1.decode(extension.value[-1].value).value
  end
end

AUTHORITIES = Hash.new { |all, how| all[how] = Authority.new(how.split('-').last) }

CAS = %w[prompt first never swapped taken foreign].freeze

def read_body(io)
  length = 0
  while (line = io.gets) && line != "\r\n"
    length = line.split[1].to_i if line =~ /\Acontent-length:/i
    raise IOError if line =~ /\A(authorization|cookie|expect):/i # nothing of this is for us
  end
  io.read(length)
end

# Returns whether the connection goes on.
def act_as_authority(io, method, how, kind, name, body)
  status, words = AUTHORITIES[how].answer(method, kind, name, body)
  status && text(io, status, words)
end

def serve(io)
  while (line = io.gets)
    body = read_body(io)
    method, path = line.split
    how, kind, name = path.split('/').values_at(1, 4, 5)
    if how.start_with?('ca-')
      act_as_authority(io, method, how, kind, name, body) ? next : break
    end
    text(io, path == '/site/puppet/v3/environment/production' ? 200 : 404, SITE) if how == 'site'
    CAS.include?(how) ? act_as_ca(io, method, how, kind, name, body) : answer(io, how)
    break unless how == 'ok' || CAS.include?(how)
  end
rescue SystemCallError, IOError, OpenSSL::SSL::SSLError
  nil
ensure
  io.close
end

PORTS = {}

# listen NAME, with a context, or without TLS
def listen(name, context = nil)
  socket = TCPServer.new('127.0.0.1', 0)
  PORTS[name] = socket.addr[1]
  Thread.new do
    loop do
      client = socket.accept
      client.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      Thread.new do
        client = OpenSSL::SSL::SSLSocket.new(client, context).tap { |s| s.sync_close = true }.accept if context
        sleep if name == 'silent'
        client.write("HTTP/1.1 400 Bad Request\r\n\r\n") if name == 'plain'
        serve(client)
      rescue SystemCallError, IOError, OpenSSL::SSL::SSLError
        # Our alert is to be read before the connection is gone.
        client.close_write
        client.read
        client.close
      end
    end
  end
end

CA_IS = { 'basicConstraints' => 'critical,CA:TRUE', 'keyUsage' => 'critical,keyCertSign' }.freeze
HOST = { 'subjectAltName' => 'DNS:localhost' }.freeze
CA = save('ca', issue('Test CA', extensions: CA_IS))
OTHER = save('other_ca', issue('Other CA', extensions: CA_IS))
save('client', issue('admin', by: CA))
save('stranger', issue('admin', by: OTHER))
TAKEN = OpenSSL::X509::Request.new.tap do |request|
  key = key_pair
  request.subject = OpenSSL::X509::Name.new([%w[CN ctl]])
  request.public_key = key
  request.sign(key, 'SHA256')
end.to_pem
good = issue('localhost', by: CA, extensions: HOST)
listen('good', server_context(good))
listen('expired', server_context(issue('localhost', by: CA, from: -3, to: -2, extensions: HOST)))
listen('early', server_context(issue('localhost', by: CA, from: 2, to: 3, extensions: HOST)))
listen('other_name', server_context(issue('elsewhere', by: CA, extensions: { 'subjectAltName' => 'DNS:elsewhere' })))
listen('other_ca', server_context(issue('localhost', by: OTHER, extensions: HOST)))
listen('self', server_context(issue('localhost', extensions: HOST)))
strict = server_context(good)
strict.verify_mode = OpenSSL::SSL::VERIFY_PEER | OpenSSL::SSL::VERIFY_FAIL_IF_NO_PEER_CERT
strict.cert_store = OpenSSL::X509::Store.new.tap { |store| store.add_cert(CA[0]) }
listen('strict', strict)
old = server_context(good)
old.security_level = 0
old.min_version = old.max_version = OpenSSL::SSL::TLS1_1_VERSION
listen('old', old)
listen('plain')
listen('silent')
File.write("#{FOLDER}/ports.new", PORTS.map { |name, port| "#{name} #{port}\n" }.join)
File.rename("#{FOLDER}/ports.new", "#{FOLDER}/ports")
sleep
