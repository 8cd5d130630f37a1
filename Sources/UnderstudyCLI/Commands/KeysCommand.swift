import ArgumentParser
import Understudy

struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "List the keys of a study file with their defaults, and the measures it can record.")

  func run() async throws {
    try printLine("Keys of a setting (any of them may be a list of values)\n")
    for key in StudyKey.all {
      try printLine("  \(key.path)  (\(key.form.phrase); default \(key.defaultValue?.description ?? "none"))")
      try printLine("      \(key.explanation)")
    }
    try printLine("\nMeasures\n")
    for measure in Measure.allCases { try printLine("  \(measure.rawValue)") }
    try printLine("\nBundled studies: \(BundledStudies.names.joined(separator: ", "))")
  }
}
