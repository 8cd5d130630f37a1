import ArgumentParser
import Foundation
import Understudy

struct ExtractCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extract", abstract: "Write one stored run as files: its networks, data and batches.",
    discussion: """
        understudy extract RESULTS --seed 1 --where student.overRealization=2 --into DIR

      The folder then has the teacher, the student before its first step and after its last, the training and evaluation \
      inputs and targets, and which samples each step took, as safetensors and .npy files that audit, connect, recover, prune \
      and convert take; README.md says what each is, and retrain.py trains the student again in NumPy, a \
      gradient flow with SciPy. Images stay where they are: a run over images has the teacher, its oracle, the students and the \
      batches.

      A run that diverged has the student of its last finite epoch.
      """)

  @Argument(help: "Results folder.")
  var results: String

  @OptionGroup var choice: RunChoice

  @Option(help: "The folder to write, a new or empty one.")
  var into: String

  func run() async throws {
    try await reportingErrors {
      try checkEmptyFolder(into)
      let store = try openResults(results)
      let record = try chosenRun(of: store)
      let extracted = try ExtractedRun(record, in: store)
      try makeFolder(into)
      for file in extracted.files {
        try write(try file.content(), to: URL(fileURLWithPath: into).appendingPathComponent(file.name).path)
      }
      writeError("\(into): \(extracted.files.count) files of run \(record.run.hash); README.md says what each is")
    }
  }

  private func chosenRun(of store: ResultsStore) throws -> RunRecord {
    let isChosen = try choice.filter(of: store.study)
    let records = try store.runs().filter { isChosen($0.run) }
    guard let record = records.first else {
      throw ExperimentError.input(
        "\(results): no recorded run is chosen; `understudy status \(results) --runs` lists them")
    }
    guard records.count == 1 else {
      throw ExperimentError.input(
        "\(results): \(records.count) runs are chosen, and one can be extracted"
          + differences(of: records.map(\.run), in: store.study))
    }
    return record
  }
}
