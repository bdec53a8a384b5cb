require "json"

module MCollective
  module Facts
    # Facts from one JSON file, named by plugin.json. Debian's YAML facts come out empty on Ruby 3.1.
    class Json_facts<Base
      def load_facts_from_source
        JSON.parse(File.read(path, :encoding => "UTF-8"))
      end

      # A change of the file is seen at once, not after fact_cache_time.
      def force_reload?
        seen = @mtime
        @mtime = File.mtime(path)
        seen != @mtime
      end

      private

      def path
        Config.instance.pluginconf.fetch("json")
      end
    end
  end
end
