module MCollective
  module Agent
    # Replies on demand: every shape of data, failure and silence that a client has to cope with.
    class Lab<RPC::Agent
      Pair = Struct.new(:left, :right)

      action "echo" do
        again = "said twice"
        reply[:msg] = request[:msg]
        reply[:nested] = {
          :symbol => "by symbol", "string" => "by string", :array => [1, "two", 3.5, [nil, true, false]],
          :float => 0.1, :big => 2**70, :nothing => nil, :yes => true, :first => again, :second => again
        }
      end

      action "fail_on" do
        reply.fail!("told to fail", 1) if chosen?
      end

      action "sleep" do
        Kernel.sleep(request[:seconds]) if chosen?
        reply[:seconds] = request[:seconds]
      end

      action "crash" do
        raise "told to crash" if chosen?
      end

      action "big" do
        reply[:text] = "x" * request[:size]
      end

      action "weird" do
        reply[:invalid_utf8] = "caf\xC3"
        reply[:nul] = "a\0b"
        reply[:nan] = Float::NAN
        reply[:infinity] = Float::INFINITY
        reply[:minus_big] = -2**64
        reply[:symbol] = :word
        reply[:time] = Time.at(1_600_000_000)
        reply[:range] = 1..3
        reply[:struct] = Process::Tms.new(1.0, 2.0, 3.0, 4.0)
        reply[:own_struct] = Pair.new("left", 2) if request[:own_class]
        reply[:tiny] = 1.0e-7
        reply[:escape] = "\e[31mred\e[0m"
        reply[:latin1] = "gr\u00fc\u00dfe".encode("ISO-8859-1")
      end

      action "count" do
        reply[:key] = request[:key]
        reply[:count] = counted(File.join(File.dirname(config.configfile), "count.#{request[:key]}"))
      end

      private

      # Without input "node" all are chosen.
      def chosen?
        request[:node].nil? || config.identity.match?(Regexp.new(request[:node]))
      end

      # Locked, because two requests run as two threads.
      def counted(file)
        File.open(file, File::RDWR | File::CREAT) do |f|
          f.flock(File::LOCK_EX)
          count = f.read.to_i + 1
          f.rewind
          f.write(count)
          count
        end
      end
    end
  end
end
