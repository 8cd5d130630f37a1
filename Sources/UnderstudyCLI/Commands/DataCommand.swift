import ArgumentParser
import Understudy

struct DataCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Sets of images: which are on this machine, and whether they are whole.",
    subcommands: [List.self, Check.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "List the known sets: where they are, what they hold, and how to get the others.",
      discussion: """
        Sets are looked for in the folder that the environment variable UNDERSTUDY_DATASETS names, in the working \
        directory and in /usr/share/datasets. Any other folder with a set can be given by its path.
        """)

    @Flag(help: "A JSON array instead of a table.")
    var json = false

    func run() async throws {
      try await reportingErrors {
        let entries = KnownImageSet.all.map { $0.listing() }
        try printLine(json ? jsonText(entries) : text(of: entries))
      }
    }

    private func text(of entries: [KnownImageSet.Listing]) -> String {
      let rows = entries.map { entry in
        let cells = entry.images.map {
          [
            "\($0.trainingCount)", "\($0.evaluationCount)", "\($0.channels) x \($0.rows) x \($0.columns)",
            "\($0.classCount)",
          ]
        }
        return [entry.name] + (cells ?? ["-", "-", "-", "-"]) + [entry.folder ?? "not found"]
      }
      let table = TextTable(["set", "training", "evaluation", "size", "classes", "folder"], rows)
      return ([table.text, ""] + entries.compactMap(\.problem)).joined(separator: "\n")
    }
  }

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Read all of a set, and print what it holds or what is wrong with it.",
      discussion: """
        Prints images of each class and part, and mean and deviation of each channel over all images and positions \
        (bytes count from 0 to 1). Exit code 2 if a set cannot be used, with what to do about it.

          understudy data check fashion-mnist
          understudy data check cifar-10-batches-bin
        """)

    @Argument(help: "Names of known sets, as data list has them, or folders.")
    var sets: [String]

    @Flag(help: "A JSON array instead of tables.")
    var json = false

    func run() async throws {
      try await reportingErrors {
        var summaries: [ImageSummary] = []
        var firstError: FileError?
        for set in sets {
          do throws(FileError) {
            summaries.append(try ImageSummary(of: try ImageSource.find(set)))
          } catch {
            if let firstError { writeError("error: \(firstError)") }
            firstError = error
          }
        }
        if json || !summaries.isEmpty {
          try printLine(json ? jsonText(summaries) : summaries.map(text).joined(separator: "\n\n"))
        }
        if let firstError { throw firstError }
      }
    }

    /// Four decimals, unless they would say little: real numbers may have any unit.
    private func pixels(_ value: Double) -> String {
      value == 0 || (0.01..<100_000).contains(abs(value)) ? format(value, digits: 4) : short(value)
    }

    private func text(of set: ImageSummary) -> String {
      var table = TextTable(["class"] + set.parts.map(\.name))
      for number in 0..<set.classCount {
        let name = set.classNames.map { " \($0[number])" } ?? ""
        table.add(["\(number)\(name)"] + set.parts.map { "\($0.imagesPerClass[number])" })
      }
      table.add(["all"] + set.parts.map { "\($0.imageCount)" })
      for channel in 0..<set.channels {
        let number = set.channels == 1 ? "" : " of channel \(channel + 1)"
        table.add(["mean\(number)"] + set.parts.map { pixels($0.channelMeans[channel]) })
        table.add(["deviation\(number)"] + set.parts.map { pixels($0.channelDeviations[channel]) })
      }
      let title =
        "\(set.name): \(set.kind) in \(set.folder), images of \(set.channels) x \(set.rows) x \(set.columns) "
        + "(channels, rows, columns), \(set.classCount) \(set.classCount == 1 ? "class" : "classes")"
      return ([title, "", table.text] + set.remarks.map { "note: \($0)" }).joined(separator: "\n")
    }
  }
}
