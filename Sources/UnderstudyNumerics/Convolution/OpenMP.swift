import Foundation

/// The threads of OpenMP, which oneDNN's primitives run on. Shared work between primitives runs on the same ones: other threads
/// would compete with them, because OpenMP's wait actively for a while.
///
/// The runtime comes with oneDNN (GCC's), so its functions are looked up by name; without them everything runs on one thread.
enum OpenMP {
  private typealias Body = @convention(c) (UnsafeMutableRawPointer?) -> Void
  private typealias Parallel = @convention(c) (Body, UnsafeMutableRawPointer?, UInt32, UInt32) -> Void

  private static let setThreadCount = function(
    "omp_set_num_threads", as: (@convention(c) (Int32) -> Void).self)
  private static let threadNumber = function(
    "omp_get_thread_num", as: (@convention(c) () -> Int32).self)
  private static let threadCount = function(
    "omp_get_num_threads", as: (@convention(c) () -> Int32).self)
  private static let parallel = function("GOMP_parallel", as: Parallel.self)

  private static func function<Function>(_ name: String, as _: Function.Type) -> Function? {
    dlsym(nil, name).map { unsafeBitCast($0, to: Function.self) }
  }

  /// Parallel regions that the calling thread starts have this many threads from now on.
  static func useThreads(_ count: Int) { setThreadCount?(Int32(count)) }

  private struct Work {
    let count: Int
    let body: (Range<Int>) -> Void
  }

  /// Calls `body` with consecutive shares of `0..<count`, on several threads at once; returns when all are done.
  static func share(_ count: Int, threads: Int, _ body: (Range<Int>) -> Void) {
    guard threads > 1, count > 1, let parallel, threadNumber != nil, threadCount != nil else { return body(0..<count) }
    withoutActuallyEscaping(body) { body in
      var work = Work(count: count, body: body)
      withUnsafeMutablePointer(to: &work) { pointer in
        let share: Body = { raw in
          guard let work = raw?.assumingMemoryBound(to: Work.self).pointee else { return }
          let (number, of) = (Int(OpenMP.threadNumber?() ?? 0), Int(OpenMP.threadCount?() ?? 1))
          let range = work.count * number / of..<work.count * (number + 1) / of
          if !range.isEmpty { work.body(range) }
        }
        parallel(share, pointer, UInt32(min(threads, count)), 0)
      }
    }
  }
}
