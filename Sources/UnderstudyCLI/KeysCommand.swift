import ArgumentParser
import Understudy

struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys", abstract: "List the keys of a study file with their defaults, and the measures it can record.")

  func run() async throws {
    print("Keys of a setting (any of them may be a list of values)\n")
    for key in StudyKey.all {
      print("  \(key.path)  (\(key.form.phrase); default \(key.defaultValue?.description ?? "none"))")
      print("      \(key.explanation)")
    }
    print("\nMeasures\n")
    for measure in Measure.allCases { print("  \(measure.rawValue)") }
    print("\nBundled studies: \(BundledStudies.names.joined(separator: ", "))")
  }
}
