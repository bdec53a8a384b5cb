# Times whole processes, ours and mco's in turn, and compares the ratios with what is promised.
RUNS = 5

# Wall seconds and CPU seconds of one command, which must end with the status.
def measure(status, env, *command)
  before = Process.times
  start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  system(env, *command, :in => File::NULL, :out => File::NULL, :err => File::NULL)
  $?.exitstatus == status || abort("bench: #{command.join(' ')} failed: #{$?}")
  wall = Process.clock_gettime(Process::CLOCK_MONOTONIC) - start
  after = Process.times
  {:wall => wall, :cpu => after.cutime + after.cstime - before.cutime - before.cstime}
end

def median(runs, what)
  runs.map { |run| run[what] }.sort[RUNS / 2]
end

# The commands take turns, so that a busy moment of the machine hits both.
def compare(name, what, factor, ours, theirs)
  pairs = Array.new(RUNS) { [measure(*ours), measure(*theirs)] }
  mine, mco = [0, 1].map { |i| median(pairs.map { |pair| pair[i] }, what) }
  ratio = mco / mine
  verdict = ratio >= factor ? "ok" : "MISSED"
  printf("%-34s %-4s deployctl %8.2f ms   mco %8.2f ms   %6.1f times less   at least %d: %s\n",
         name, what, mine * 1000, mco * 1000, ratio, factor, verdict)
  ratio >= factor
end

deployctl = ENV.fetch("DEPLOYCTL")
cfg = ENV.fetch("LAB_CLIENT_CFG")
mco = ["/usr/bin/mco"]
home = {"HOME" => ENV.fetch("DEPLOYCTL_LAB")}
rpc = %w[rpc rpcutil ping -I web01.example.net]

# mco --version succeeds with status 1.
results = [
  compare("version", :cpu, 20, [0, home, deployctl, "version"], [1, home, *mco, "--version"]),
  compare("rpc rpcutil ping -I NODE", :wall, 8,
          [0, home, deployctl, *rpc, "-c", cfg], [0, home, *mco, *rpc, "-c", cfg])
]
exit(results.all? ? 0 : 1)
