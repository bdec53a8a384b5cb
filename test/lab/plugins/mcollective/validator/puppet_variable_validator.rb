module MCollective
  module Validator
    class Puppet_variableValidator
      def self.validate(value)
        raise("not the name of an environment: #{value}") unless value.is_a?(String) && value.match?(/\A\w+\z/)
      end
    end
  end
end
