module MCollective
  class Aggregate
    # Counts the replies in which an output is true, and those in which it is false, under words of their own.
    class Boolean_summary<Base
      def startup_hook
        @result[:value] = Hash.new(0)
        @result[:type] = :collection
        @aggregate_format = "%s = %s" unless @aggregate_format
      end

      def process_result(value, _reply)
        name = @arguments.fetch(value ? :true : :false, value.to_s)
        @result[:value][name] += 1
      end
    end
  end
end
