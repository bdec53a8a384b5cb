# A fleet too large for real nodes: simfleet on the lab's broker, deployctl against the floor and mco.
#   BENCH_NODES  the fleet of most rows (10000)      BENCH_RUNS  of which the median counts (5)
#   BENCH_MANY   the large fleet (50000), 0: none    BENCH_MCO   0: leave mco out
# A row is: what is measured, the bar, the value, ok or MISSED, and what the value is made of.
require "json"
require "tmpdir"

NODES = Integer(ENV.fetch("BENCH_NODES", "10000"))
MANY = Integer(ENV.fetch("BENCH_MANY", "50000"))
RUNS = Integer(ENV.fetch("BENCH_RUNS", "5"))
WITH_MCO = ENV.fetch("BENCH_MCO", "1") != "0"
WINDOW = 0.3
# What RabbitMQ takes for a queue with its binding and consumer, and what everything else does.
QUEUE_KIB = 40
REST_MIB = 600

LAB = ENV.fetch("DEPLOYCTL_LAB")
BENCH = File.join(ENV.fetch("BUILD"), "test/bench")
DEPLOYCTL = ENV.fetch("DEPLOYCTL")
TOP = File.expand_path("../..", __dir__)
DIR = Dir.mktmpdir("bench", LAB)
CFG = File.join(DIR, "client.cfg")
Run = Struct.new(:wall, :cpu, :peak_mib, :status, :ended, :ok)

# The configuration of a client of the collective sim, in which no real node is.
def write_config
  text = File.read(ENV.fetch("LAB_FULL_CFG")).sub(/^collectives.*/, "collectives = mcollective,sim")
  File.write(CFG, text, :perm => 0o600)
end

def node_set(count)
  format("node[%05d-%05d]", 1, count)
end

def median(values)
  values.sort[values.size / 2]
end

# Run a command with its output in a file, and say what it took.
def timed(*command, status: 0)
  system(File.join(BENCH, "timed"), File.join(DIR, "timed"), *command,
         :in => File::NULL, :out => File.join(DIR, "out"), :err => File.join(DIR, "err"))
  fields = File.read(File.join(DIR, "timed")).split.map { |field| Float(field) }
  run = Run.new(fields[0], fields[1], fields[2] / 1024, Integer(fields[3]), fields[4])
  return run if [status].flatten.include?(run.status)

  abort("bench: #{command.join(' ')} ended with #{run.status}:\n#{File.read(File.join(DIR, 'err'))}")
end

# Seconds, and the longest pause between two replies.
def floor(*arguments)
  text = IO.popen([File.join(BENCH, "floor"), *arguments], &:read)
  $?.success? ? text.split.map { |field| Float(field) } : abort("bench: floor #{arguments.join(' ')} failed")
end

def deployctl(*arguments, status: 0)
  timed(DEPLOYCTL, *arguments, "-T", "sim", "-c", CFG, :status => status)
end

def output
  File.read(File.join(DIR, "out"))
end

# The summary of what was printed last, as -o json or jsonl.
def summary(format)
  (format == "json" ? JSON.parse(output) : JSON.parse(output.lines.last)).fetch("summary")
end

# rpc rpcutil ping of everyone, or of those that the filter names; and how many were ok.
def ping_all(format, *filter)
  run = deployctl("rpc", "rpcutil", "ping", "-o", format, *filter, :status => [0, 3, 4])
  run.ok = summary(format)["ok"]
  run
end

def with_fleet(*arguments)
  fleet = IO.popen([File.join(BENCH, "simfleet"), *arguments], "r+")
  fleet.gets == "ready\n" || abort("bench: simfleet did not start")
  yield
ensure
  fleet&.close
end

$missed = 0
$skipped = 0

def row(what, bar, value, detail)
  $missed += 1 unless value[1]
  printf("%-44s %-22s %-9s %-6s %s\n", what, bar, value[0], value[1] ? "ok" : "MISSED", detail)
  $stdout.flush
end

def at_most(what, unit, bar, value, detail)
  row(what, "at most #{bar} #{unit}".strip, [format("%.2f", value), value <= bar], detail)
end

def at_least(what, bar, value, detail)
  row(what, "at least #{bar}", [format("%.2f", value), value >= bar], detail)
end

def skip(what, why)
  $skipped += 1
  printf("%-44s skipped: %s\n", what, why)
end

# Floor and client take turns, so that a busy moment of the machine hits both.
def broadcast(count, format)
  floors = []
  runs = Array.new(RUNS) do
    floors << [floor("--discovery", count.to_s), floor(count.to_s)]
    ping_all(format)
  end
  sums = floors.map { |pair| pair.sum(&:first) }
  {:floors => median(sums), :extra => median(runs.zip(sums).map { |run, sum| run.wall - sum }) - WINDOW, :pause => floors.flatten(1).map(&:last).max,
   :wall => median(runs.map(&:wall)), :cpu => median(runs.map(&:cpu)), :peak => runs.map(&:peak_mib).max,
   :least => runs.map(&:ok).min}
end

# A fast answer that leaves nodes out is none.
def reached(what, count, got)
  row("#{what}: reached each time", "all", [got[:least].to_s, got[:least] == count],
      format("longest pause between replies %.0f ms, window %.0f ms", got[:pause] * 1000, WINDOW * 1000))
end

def measure_broadcast
  what = "broadcast, #{NODES} nodes"
  got = broadcast(NODES, "json")
  base = got[:floors] + WINDOW
  reached(what, NODES, got)
  at_most(what, "floors + window", 2.5, got[:wall] / base,
          format("%.3f s, CPU %.3f s; two floors %.3f s, window %.1f s", got[:wall], got[:cpu], got[:floors], WINDOW))
  got
end

def measure_mco(ours)
  return skip("broadcast against mco --dt 10", "BENCH_MCO=0") unless WITH_MCO

  runs = Array.new(RUNS) do
    run = timed("/usr/bin/mco", "rpc", "rpcutil", "ping", "-T", "sim", "--dt", "10", "-c", CFG)
    [run.wall, Integer(output[/Finished processing (\d+)/, 1] || 0)]
  end
  wall = median(runs.map(&:first))
  at_least("broadcast against mco --dt 10", 10, wall / ours[:wall],
           format("mco %.2f s, reached %d to %d", wall, *runs.map { |run| run[1] }.minmax))
end

def measure_directed
  names = node_set(NODES)
  what = "directed, #{NODES} names"
  least = []
  runs = Array.new(RUNS) do
    least << floor("--directed", names, NODES.to_s).first
    ping_all("json", "-I", names)
  end
  ours, least = median(runs.map(&:wall)), median(least)
  row("#{what}: reached each time", "all", [runs.map(&:ok).min.to_s, runs.all? { |run| run.ok == NODES }], "")
  at_most(what, "floors", 2, ours / least, format("%.3f s; floor %.3f s", ours, least))
end

STEPS = 20

# A plan of so many steps, each on all nodes.
def write_plan(file)
  steps = Array.new(STEPS) { |i| "  - {id: s#{i + 1}, rpc: rpcutil.ping, nodes: all}\n" }
  File.write(file, "plan: twenty\nsets: {all: {nodes: \"#{node_set(NODES)}\"}}\nsteps:\n#{steps.join}")
end

# Each run writes a state file of its own, and syncs it as always. What it recorded is asked for afterwards.
def run_plan(plan, state)
  run = deployctl("run-plan", plan, "--yes", "--state", state, "-o", "json")
  run.ok = JSON.parse(IO.popen([DEPLOYCTL, "history", "-o", "json", "--state", state, "-c", CFG], &:read))["items"][0]["ok"]
  File.delete(*Dir["#{state}*"])
  run
end

def measure_plan
  what = "plan, #{STEPS} steps, #{NODES} nodes"
  plan = File.join(DIR, "plan.yaml")
  write_plan(plan)
  sums = []
  runs = Array.new([RUNS, 3].min) do |i|
    sums << Array.new(STEPS) { floor("--directed", node_set(NODES), NODES.to_s).first }.sum
    run_plan(plan, File.join(DIR, "plan#{i}.db"))
  end
  ours, least = median(runs.map(&:wall)), median(sums)
  row("#{what}: recorded as ok each time", "all", [runs.map(&:ok).min.to_s, runs.all? { |run| run.ok == STEPS * NODES }], "")
  at_most(what, "floors", 1.5, ours / least,
          format("%.3f s, CPU %.3f s, %.0f MiB; %d floors %.3f s", ours, median(runs.map(&:cpu)), runs.map(&:peak_mib).max, STEPS, least))
end

# From the last reply to the end of the process.
def measure_absent
  gaps = Array.new(RUNS) do
    run = deployctl("rpc", "rpcutil", "ping", "-o", "jsonl", "-I", "node[00001-00095],gone[1-5]", :status => 4)
    events = output.lines.map { |line| JSON.parse(line) }
    events.last["summary"]["not_connected"]["nodes"] == %w[gone1 gone2 gone3 gone4 gone5] || abort("bench: #{events.last}")
    replies = events.select { |event| event["type"] == "outcome" && event["state"] == "ok" }
    run.ended - replies.map { |event| event["time"] }.max
  end
  at_most("100 names, 5 not connected: after last reply", "ms", 100, median(gaps) * 1000, "")
end

def measure_codec
  {"rpc_ping" => "a reply to ping", "inventory" => "a reply to inventory"}.each do |question, what|
    bytes, ours, least, ratio = IO.popen([File.join(BENCH, "codec"), File.join(TOP, "test/data/wire.txt"),
                                          question, "lab-psk"], &:read).split.map { |field| Float(field) }
    at_most("decode and verify #{what}", "copy + MD5", 3, ratio,
            format("%d bytes: %.0f ns, copy + MD5 %.0f ns", bytes, ours, least))
  end
end

# Drop, duplicate, forge, delay: what is printed is what the seed says.
def measure_mischief
  mischief = ["--seed", "7", "--drop", "10", "--duplicate", "5", "--forge", "5", "--delay", "200ms-1s", "--delayed", "1"]
  names = node_set(NODES)
  expected = JSON.parse(IO.popen([File.join(BENCH, "simfleet"), *mischief, "--expect", "1", names], &:read))
  with_fleet(*mischief, names) do
    deployctl("rpc", "rpcutil", "ping", "-o", "json", "-t", "5s", :status => 4)
  end
  got = summary("json")
  got["silent"] = got["silent"]["count"]
  wrong = %w[nodes ok failed silent duplicate rejected].reject { |key| got[key] == expected[key] }
  row("bad replies of #{NODES} nodes", "the seed's counts", [wrong.empty? ? "equal" : "differ", wrong.empty?],
      wrong.map { |key| "#{key} #{got[key]}, not #{expected[key]}" }.join("; "))
end

def free_mib
  File.read("/proc/meminfo")[/MemAvailable:\s+(\d+)/, 1].to_i / 1024
end

def measure_many(few)
  what = "broadcast, #{MANY} nodes"
  need = MANY * QUEUE_KIB / 1024 + REST_MIB
  return skip(what, "BENCH_MANY=0") if MANY.zero?
  return skip(what, "wants #{need} MiB of memory, #{free_mib} are free") if free_mib < need

  with_fleet(node_set(MANY)) do
    many = broadcast(MANY, "json")
    reached(what, MANY, many)
    extra = [[few, NODES], [many, MANY]].map { |got, count| got[:extra] / count * 1e6 }
    at_most("#{what}: per node, less floor", "that of #{NODES}", 1.25, extra[1] / extra[0],
            format("%.3f s, CPU %.3f s, two floors %.3f s; %.1f and %.1f us a node",
                   many[:wall], many[:cpu], many[:floors], extra[1], extra[0]))
    at_most("#{what}: peak memory, json", "MiB", 160, many[:peak], "")
    lines = broadcast(MANY, "jsonl")
    at_most("#{what}: peak memory, jsonl", "MiB", 96, lines[:peak], format("%.3f s", lines[:wall]))
  end
end

trap("INT") { exit 130 } # simfleet ends with its stdin
write_config
measure_codec
few = nil
with_fleet(node_set(NODES)) do
  few = measure_broadcast
  measure_directed
  measure_plan
  measure_absent
  measure_mco(few)
end
measure_mischief
measure_many(few)
puts "#{$missed} missed, #{$skipped} skipped"
exit($missed.zero? ? 0 : 1)
